// What is damaged where it is not random: histories as Jepsen writes them.

enum EDNSamples {
  /// As Jepsen prints its own.
  static let all: [[UInt8]] = [
    """
    [{:process 0, :type :invoke, :f :enqueue, :value 1, :time 10, :index 0}
     {:process :nemesis, :type :info, :f :start, :value {:n1 #{:n2}}, :time 11}
     {:process 0, :type :ok, :f :enqueue, :value 1, :time 12} {:process 1, :type :invoke, :f :drain, :time 13}
     {:process 1, :type :ok, :f :drain, :value [1], :time 14, :error "\\u00e9\\n" :at #inst "2026" :c \\newline}]
    """,
    """
    #jepsen.history.Op{:index 0, :time 5, :type :invoke, :process 3, :f :dequeue, :value nil} ; first
    #jepsen.history.Op{:index 1, :time 7, :type :fail, :process 3, :f :dequeue, :value :exhausted, :x (1N 2.5M 0x1f)}
    #_{:not :there} #jepsen.history.Op{:index 2, :time 9, :type :invoke, :process 3, :f :drain :value ##Inf}
    """,
  ].map { Array($0.utf8) }
}

/// Transactions on keyed logs, in both notations.
enum TransactionSamples {
  static let lines: [[UInt8]] = [
    #"""
    {"time":1,"process":0,"type":"invoke","f":"txn","value":[["send","x",1],["poll"],["send",5,2]]}
    {"time":2,"process":1,"type":"invoke","f":"poll","value":["poll"]}
    {"time":3,"process":0,"type":"ok","f":"txn","value":[["send","x",[7,1]],["poll",{"5":[[0,9],[null,8]]}],["send",5,[null,2]]],"rebalance-log":[{"keys":["x",5],"type":"revoked"},{}]}
    {"time":4,"process":"nemesis","type":"info","f":"kill","value":{"n1":["a"]}}
    {"time":5,"process":1,"type":"fail","f":"poll","value":null}
    {"time":6,"process":2,"type":"ok","f":"poll","value":["poll",{"x":[[7,1],[8,null]]}]}
    """#,
    #"""
    {"time":6,"process":1,"type":"invoke","f":"subscribe","value":["x",5]}
    {"time":7,"process":1,"type":"ok","f":"subscribe","value":["x",5]}
    {"time":8,"process":1,"type":"invoke","f":"send","value":[["send","x",3]]}
    {"time":8,"process":2,"type":"invoke","f":"assign","value":["x"],"seek-to-beginning?":true}
    {"time":9,"process":2,"type":"ok","f":"assign","value":["x"],"seek-to-beginning?":true}
    """#,
  ].map { Array($0.utf8) }

  static let forms: [[UInt8]] = [
    #"""
    {:index 0, :time 1, :type :invoke, :process 0, :f :txn, :value [[:send 5 1] [:poll] [:send 6 2]]}
    #jepsen.history.Op{:index 1, :time 2, :type :info, :process :nemesis, :f :kill, :value {"n1" :killed}}
    {:time 3, :type :ok, :process 0, :f :txn, :value [[:send 5 [7 1]] [:poll {6 [[0 9] [nil 8] [1 nil]], 5 []}]], :rebalance-log [{:keys #{5 6}} {}]}
    {:index 8, :time 9, :type :invoke, :process 0, :f :send, :value [[:send 5 3]]}
    {:index 9, :time 10, :type :fail, :process 0, :f :send, :value [[:send 5 3]]}
    """#,
    #"""
    [{:time 4, :type :invoke, :process 1, :f :subscribe, :value [5 6]}
     {:time 5, :type :ok, :process 1, :f :assign, :value #{5 6} :seek-to-beginning? true} ; why
     {:time 6, :type :invoke, :process 1, :f :poll, :value [:poll]} #_{:not :there}
     {:time 7, :type :info, :process 1, :f :poll, :value :timeout, :error :timeout}]
    """#,
  ].map { Array($0.utf8) }
}
