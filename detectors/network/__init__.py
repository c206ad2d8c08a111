"""Networks: security groups, and network interfaces."""

from shared.model import ResourceType

SECURITY_GROUP = ResourceType("Microsoft.Network/networkSecurityGroups", api_version="2024-05-01")
INTERFACE = ResourceType("Microsoft.Network/networkInterfaces", api_version="2024-05-01")
PUBLIC_IP = ResourceType("Microsoft.Network/publicIPAddresses", api_version="2024-05-01")
VIRTUAL_MACHINE = ResourceType("Microsoft.Compute/virtualMachines", api_version="2024-07-01")
SQL_VIRTUAL_MACHINE = ResourceType(
    "Microsoft.SqlVirtualMachine/sqlVirtualMachines", api_version="2023-10-01"
)
