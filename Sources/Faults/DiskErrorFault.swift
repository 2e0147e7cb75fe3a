// disk-error: operations on the disk fail with an errno and are not carried out.

import Arena
import Glibc

final class DiskErrorFault: DiskFault, Fault {
  override var ruleEffect: DiskRule.Effect { .error(Self.number(of: plan.error ?? "EIO")) }

  /// Names of the errors that a disk gives.
  static let errors = ["EIO": EIO, "ENOSPC": ENOSPC, "EROFS": EROFS, "EDQUOT": EDQUOT]

  static func number(of name: String) -> Int32 { errors[name] ?? EIO }
}
