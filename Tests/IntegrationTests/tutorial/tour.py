"""A walk through the AMQP 0-9-1 API as pika offers it: each step asserts what the protocol says. Prints its steps.

usage: tour.py PORT
"""
import sys
import time

import pika
import pika.exceptions

PARAMETERS = pika.ConnectionParameters(host="127.0.0.1", port=int(sys.argv[1]))


def connect():
    return pika.BlockingConnection(PARAMETERS)


def get(channel, queue, auto_ack=False, patience=5.0):
    """basic.get until something is there."""
    end = time.monotonic() + patience
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=auto_ack)
        if method is not None:
            return method, properties, body
        assert time.monotonic() < end, f"nothing in {queue}"
        time.sleep(0.02)


def count(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def step_topics(connection):
    channel = connection.channel()
    channel.exchange_declare("orders", exchange_type="topic", durable=True)
    for queue, key in [("eu", "order.eu.*"), ("all", "order.#"), ("paid", "*.*.paid")]:
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, "orders", routing_key=key)
    channel.confirm_delivery()
    for key in ["order.eu.paid", "order.us.new", "order"]:
        channel.basic_publish("orders", key, key.encode(), mandatory=True)
    assert [count(channel, queue) for queue in ("eu", "all", "paid")] == [1, 3, 1]
    assert get(channel, "eu", auto_ack=True)[2] == b"order.eu.paid"
    channel.queue_unbind("eu", "orders", routing_key="order.eu.*")
    channel.basic_publish("orders", "order.eu.new", b"x")
    assert channel.basic_get("eu", auto_ack=True)[0] is None
    channel.close()


def step_exchanges(connection):
    channel = connection.channel()
    channel.exchange_declare("news", exchange_type="fanout")
    first = channel.queue_declare("", exclusive=True).method.queue
    second = channel.queue_declare("", exclusive=True).method.queue
    assert first != second
    channel.queue_bind(first, "news")
    channel.queue_bind(second, "news")
    channel.confirm_delivery()
    channel.basic_publish("news", "ignored", b"to both")
    for queue in (first, second):
        assert get(channel, queue, auto_ack=True)[2] == b"to both"
    try:
        channel.basic_publish("amq.direct", "nowhere", b"miss", mandatory=True)
        raise AssertionError("an unroutable mandatory message was taken")
    except pika.exceptions.UnroutableError:
        pass
    channel.exchange_delete("news")
    channel.close()


def step_get_nack(connection):
    channel = connection.channel()
    channel.queue_declare("g", durable=True)
    channel.confirm_delivery()
    properties = pika.BasicProperties(
        content_type="text/plain", delivery_mode=2, priority=0, correlation_id="c", reply_to="r", message_id="m",
        timestamp=1700000000, type="t", app_id="tour", headers={"n": 1, "s": "x", "l": [1, 2], "b": True})
    channel.basic_publish("", "g", b"one", properties)
    channel.basic_publish("", "g", b"two")
    method, back, body = get(channel, "g")
    assert body == b"one" and not method.redelivered and method.message_count == 1
    for name in ("content_type", "correlation_id", "reply_to", "message_id", "timestamp", "type", "app_id", "headers"):
        assert getattr(back, name) == getattr(properties, name), name
    channel.basic_nack(method.delivery_tag, requeue=True)
    method, _, body = get(channel, "g")
    assert body == b"one" and method.redelivered, (body, method)
    channel.basic_reject(method.delivery_tag, requeue=True)
    method, _, body = get(channel, "g")
    assert body == b"one" and method.redelivered
    channel.basic_nack(method.delivery_tag, requeue=False)
    method, _, body = get(channel, "g")
    assert body == b"two" and not method.redelivered
    channel.basic_ack(method.delivery_tag)
    assert channel.basic_get("g")[0] is None
    # What a channel held goes back when it closes.
    channel.basic_publish("", "g", b"held")
    get(channel, "g")
    channel.close()
    channel = connection.channel()
    method, _, body = get(channel, "g", auto_ack=True)
    assert body == b"held" and method.redelivered
    channel.close()


def step_consume(connection):
    channel = connection.channel()
    channel.queue_declare("w", durable=True)
    channel.confirm_delivery()
    for number in range(200):
        channel.basic_publish("", "w", str(number).encode())
    channel.basic_qos(prefetch_count=7)
    seen = []
    for method, _, body in channel.consume("w", inactivity_timeout=5):
        assert method is not None, f"stuck after {len(seen)}"
        seen.append(int(body))
        if len(seen) % 5 == 0 or len(seen) == 200:
            channel.basic_ack(method.delivery_tag, multiple=True)
        if len(seen) == 200:
            break
    channel.cancel()
    assert seen == list(range(200))
    assert count(channel, "w") == 0
    channel.close()


def step_transaction(connection):
    channel = connection.channel()
    channel.queue_declare("t1", durable=True)
    channel.queue_declare("t2", durable=True)
    watch = connection.channel()
    channel.tx_select()
    channel.basic_publish("", "t1", b"a")
    channel.basic_publish("", "t2", b"b")
    assert count(watch, "t1") == 0
    channel.tx_commit()
    assert (count(watch, "t1"), count(watch, "t2")) == (1, 1)
    channel.basic_publish("", "t1", b"never")
    method, _, body = get(channel, "t1")
    assert body == b"a"
    channel.basic_ack(method.delivery_tag)
    channel.tx_rollback()
    channel.basic_nack(method.delivery_tag, requeue=True)
    channel.tx_commit()
    method, _, body = get(channel, "t1")
    assert body == b"a" and method.redelivered
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    assert (count(watch, "t1"), count(watch, "t2")) == (0, 1)
    channel.close()
    watch.close()


def step_quorum(connection):
    channel = connection.channel()
    channel.queue_declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    channel.confirm_delivery()
    for number in range(50):
        channel.basic_publish("", "q", str(number).encode(), pika.BasicProperties(delivery_mode=2))
    assert count(channel, "q") == 50
    seen = []
    for _ in range(50):
        method, _, body = get(channel, "q")
        seen.append(int(body))
        channel.basic_ack(method.delivery_tag)
    assert seen == list(range(50))
    assert channel.queue_purge("q").method.message_count == 0
    channel.close()


def step_large(connection):
    channel = connection.channel()
    channel.queue_declare("big", durable=True)
    channel.confirm_delivery()
    sizes = [0, 1, 131_064, 131_072, 1_000_000, 5_000_000]
    for size in sizes:
        channel.basic_publish("", "big", bytes(i & 255 for i in range(256)) * (size // 256) + b"x" * (size % 256))
    for size in sizes:
        _, _, body = get(channel, "big", auto_ack=True)
        assert len(body) == size, (len(body), size)
        assert body[:256] == bytes(range(256)) or size < 256
    channel.queue_delete("big")
    channel.close()


def refused(connection, code, act):
    channel = connection.channel()
    try:
        act(channel)
    except pika.exceptions.ChannelClosedByBroker as error:
        assert error.reply_code == code, error
        return
    raise AssertionError(f"nothing refused; {code} was expected")


def step_refusals(connection):
    refused(connection, 404, lambda ch: ch.queue_declare("nowhere", passive=True))
    refused(connection, 404, lambda ch: ch.basic_get("nowhere"))
    refused(connection, 404, lambda ch: ch.queue_bind("g", "nowhere"))
    refused(connection, 406, lambda ch: ch.queue_declare("g", durable=False))
    refused(connection, 406, lambda ch: ch.exchange_declare("orders", exchange_type="fanout", durable=True))
    refused(connection, 403, lambda ch: ch.queue_declare("amq.mine"))
    other = connect()
    mine = connection.channel().queue_declare("", exclusive=True).method.queue
    refused(other, 405, lambda ch: ch.queue_declare(mine, passive=True))
    other.close()
    # The connection lives on.
    assert connection.channel().queue_declare("g", durable=True).method.queue == "g"
    try:
        pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", PARAMETERS.port, credentials=pika.PlainCredentials("guest", "wrong")))
        raise AssertionError("a wrong password was taken")
    except pika.exceptions.ProbableAuthenticationError:
        pass


connection = connect()
for name, step in sorted(globals().copy().items(), key=lambda item: getattr(item[1], "__code__", step_topics.__code__).co_firstlineno):
    if name.startswith("step_"):
        step(connection)
        print(name.removeprefix("step_"), flush=True)
connection.close()
print("done", flush=True)
