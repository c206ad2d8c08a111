"""What stands on the way from public addresses to machines, and was not taught elsewhere."""

from simulator.rows_network import child

ROWS = (child("firewallPolicies/ruleCollectionGroups"),)
