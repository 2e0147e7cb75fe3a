// disk-delay: each operation on the disk is carried out later by a fixed time.

import Arena

final class DiskDelayFault: DiskFault, Fault {
  override var ruleEffect: DiskRule.Effect { .delay(plan.delay) }
}
