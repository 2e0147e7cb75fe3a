// disk-stall: operations on the disk get no answer until the heal, and are carried out then.

import Arena

final class DiskStallFault: DiskFault, Fault {
  override var ruleEffect: DiskRule.Effect { .stall }
}
