// RabbitMQ's management API, as far as it says which node leads a queue. Requests are text, answers are parsed here; the
// socket is the caller's, made inside the node's own network, where no cut can hide it.

import Foundation

public enum Management {
  /// A whole HTTP/1.0 request for one queue of the default virtual host; the server closes after its answer.
  public static func request(queue: String) -> String {
    let name = queue.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? queue
    let credentials = Data("guest:guest".utf8).base64EncodedString()
    return "GET /api/queues/%2F/\(name) HTTP/1.0\r\nAuthorization: Basic \(credentials)\r\n\r\n"
  }

  /// The name of the node that leads the queue (of a classic one: hosts it); nil for any other answer.
  public static func leader(inResponse bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.hasPrefix("HTTP/1."), text.split(separator: " ").dropFirst().first == "200",
      let end = text.range(of: "\r\n\r\n")
    else { return nil }
    struct Queue: Decodable {
      var leader: String?
      var node: String?
    }
    guard let queue = try? JSONDecoder().decode(Queue.self, from: Data(text[end.upperBound...].utf8)),
      let name = queue.leader ?? queue.node, let node = name.split(separator: "@").first
    else { return nil }
    return String(node)
  }
}
