// What a node does to its disk in the tests, in Python: everything that brokers do, each step checked by itself.

enum DiskWorkload {
  /// Says `ok NAME` or `bad NAME WHY` for each step. The only argument is the directory.
  static let everything = """
    import os, sys, mmap, hashlib, errno, threading, fcntl
    d = sys.argv[1]
    os.chdir(d)
    def step(f):
        try:
            f()
            print('ok', f.__name__, flush=True)
        except BaseException as e:
            print('bad', f.__name__, repr(e), flush=True)
    def append():
        fd = os.open('wal', os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o640)
        for i in range(50):
            os.write(fd, bytes([i]) * 100); os.fdatasync(fd)
        os.fsync(fd); os.close(fd)
        s = os.stat('wal')
        assert s.st_size == 5000 and s.st_mode & 0o777 == 0o640
        assert open('wal', 'rb').read() == b''.join(bytes([i]) * 100 for i in range(50))
    def rename():
        os.makedirs('a/b/c')
        open('a/b/c/tmp', 'w').write('new'); open('a/final', 'w').write('old')
        os.rename('a/b/c/tmp', 'a/final'); os.rename('a', 'moved')
        fd = os.open('moved', os.O_RDONLY); os.fsync(fd); os.close(fd)
        assert open('moved/final').read() == 'new' and os.listdir('moved/b/c') == []
        assert not os.path.exists('a')
    def mapped():
        with open('map', 'w+b') as f:
            f.truncate(1 << 20)
            m = mmap.mmap(f.fileno(), 1 << 20)
            m[5000:5005] = b'hello'; m.flush(); m.close()
        assert open('map', 'rb').read()[5000:5005] == b'hello'
    def many():
        os.mkdir('many')
        names = {'file-%05d-%s' % (i, 'x' * (i % 150)) for i in range(3000)}
        for n in names: os.close(os.open('many/' + n, os.O_CREAT | os.O_WRONLY))
        assert set(os.listdir('many')) == names
        assert {e.name for e in os.scandir('many') if e.is_file()} == names
        for n in names: os.unlink('many/' + n)
        assert os.listdir('many') == []
        os.rmdir('many')
    def unlinked():
        fd = os.open('gone', os.O_CREAT | os.O_RDWR)
        os.write(fd, b'still here'); os.unlink('gone')
        os.pwrite(fd, b'S', 0); os.fsync(fd)
        assert os.pread(fd, 100, 0) == b'Still here' and os.fstat(fd).st_nlink == 0
        os.close(fd)
        assert not os.path.exists('gone')
    def links():
        open('one', 'w').write('1'); os.link('one', 'two'); os.symlink('two', 'sym')
        assert os.stat('one').st_nlink == 2 and os.readlink('sym') == 'two' and open('sym').read() == '1'
        os.unlink('one')
        assert os.stat('two').st_nlink == 1
    def attributes():
        open('attr', 'w').write('x' * 1000)
        os.chmod('attr', 0o600); os.utime('attr', ns=(10**18 + 5, 10**18 + 7)); os.truncate('attr', 10)
        s = os.stat('attr')
        assert s.st_mode & 0o777 == 0o600 and s.st_size == 10
        os.utime('attr', ns=(10**18 + 5, 10**18 + 7))
        s = os.stat('attr')
        assert s.st_mtime_ns == 10**18 + 7 and s.st_atime_ns == 10**18 + 5
    def allocated():
        fd = os.open('alloc', os.O_CREAT | os.O_RDWR)
        os.posix_fallocate(fd, 0, 1 << 16)
        assert os.fstat(fd).st_size == 1 << 16
        os.ftruncate(fd, 1 << 20); os.pwrite(fd, b'end', (1 << 20) - 3)
        assert os.lseek(fd, 1 << 19, os.SEEK_DATA) >= 1 << 19 and os.lseek(fd, 1 << 19, os.SEEK_HOLE) >= 1 << 19
        os.close(fd)
    def big():
        data = os.urandom(1 << 16) * 160 + b'tail'
        with open('big', 'wb') as f: f.write(data); f.flush(); os.fsync(f.fileno())
        assert hashlib.sha256(open('big', 'rb').read()).digest() == hashlib.sha256(data).digest()
    def exclusive():
        fd = os.open('lock', os.O_CREAT | os.O_EXCL | os.O_RDWR)
        try:
            os.open('lock', os.O_CREAT | os.O_EXCL); assert False
        except FileExistsError: pass
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB); fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        other = os.open('lock', os.O_RDWR)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB); assert False
        except BlockingIOError: pass
    def refused():
        for call, code in ((lambda: os.rmdir('moved'), errno.ENOTEMPTY), (lambda: os.open('none', 0), errno.ENOENT),
                           (lambda: os.mkdir('moved'), errno.EEXIST), (lambda: os.open('x' * 300, 64), errno.ENAMETOOLONG)):
            try:
                call(); assert False
            except OSError as e: assert e.errno == code, e
    def database():
        import sqlite3
        for mode in ('delete', 'wal'):
            c = sqlite3.connect('db-' + mode)
            c.execute('pragma journal_mode=' + mode); c.execute('pragma synchronous=full')
            c.execute('create table t (a integer)')
            for i in range(20):
                c.execute('insert into t values (?)', (i,)); c.commit()
            assert c.execute('pragma integrity_check').fetchone() == ('ok',)
            c.close()
            assert sqlite3.connect('db-' + mode).execute('select sum(a) from t').fetchone() == (190,)
    def together():
        def work(n):
            with open('t%d' % n, 'wb') as f:
                for i in range(50): f.write(bytes([n]) * 777); f.flush(); os.fsync(f.fileno())
        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for t in threads: t.start()
        for t in threads: t.join()
        for n in range(16): assert open('t%d' % n, 'rb').read() == bytes([n]) * 777 * 50
    def space():
        assert os.statvfs('.').f_blocks > 0
    for f in (append, rename, mapped, many, unlinked, links, attributes, allocated, big, exclusive, refused, database,
              together, space): step(f)
    """

  /// Appends and syncs for ever, to two files by two processes, and says nothing.
  static let writer = """
    import os, sys, time
    os.chdir(sys.argv[1])
    def run(name):
        fd = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        while True:
            try:
                os.write(fd, b'x' * 512); os.fsync(fd)
            except OSError as e:
                open('/dev/stdout', 'a').write('%s %s\\n' % (name, e.errno))
            time.sleep(0.002)
    if os.fork() == 0: run('a.wal')
    run('b.log')
    """

  /// Processes that hang in every way a disk knows: mapped memory, names, reads from the disk, a lock of the kernel's that
  /// another one holds.
  static let hangers = """
    import mmap, os, sys, time
    os.chdir(sys.argv[1])
    open('data', 'wb').write(b'x' * (1 << 20))
    def mapped():
        with open('map', 'w+b') as f:
            f.truncate(1 << 20); m = mmap.mmap(f.fileno(), 1 << 20)
            while True:
                for i in range(0, 1 << 20, 4096): m[i] = (m[i] + 1) % 256
                m.flush()
    def names(n):
        while True: os.close(os.open('n%d' % n, os.O_CREAT)); os.rename('n%d' % n, 'm%d' % n); os.unlink('m%d' % n)
    def reads():
        fd = os.open('data', os.O_RDONLY)
        while True: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED); os.pread(fd, 1 << 20, 0)
    def appends():
        fd = os.open('shared', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        while True: os.write(fd, b'x'); os.fsync(fd); time.sleep(0.001)
    def attributes():
        while True: os.truncate('data', 1 << 20); os.utime('data'); os.listdir('.'); os.stat('data')
    for f in (mapped, lambda: names(1), lambda: names(2), reads, appends, appends, attributes):
        if os.fork() == 0: f()
    time.sleep(1000)
    """

  /// 4 KiB appends with fdatasync: microseconds each, in the directories that the arguments name, in turn.
  static let appends = """
    import os, sys, time
    def measure(d, n=300):
        fd = os.open(d + '/append', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        b = b'x' * 4096
        t = time.monotonic_ns()
        for i in range(n): os.write(fd, b); os.fdatasync(fd)
        t = time.monotonic_ns() - t
        os.close(fd); os.unlink(d + '/append')
        return t / n / 1000
    for r in range(5):
        print('append', *['%.0f' % measure(d) for d in sys.argv[1:]], flush=True)
    """
}
