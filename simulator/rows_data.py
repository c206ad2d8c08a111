"""SQL, Cosmos DB, Redis, PostgreSQL, MySQL, Synapse: no etags."""

from simulator import datastores
from simulator.types import Action, Busy, Long, ResourceType

_SQL_BUSY = Busy(
    409,
    "ConflictingServerOperation",
    "An operation is currently in progress for the server. Please wait until it completes.",
)
_SQL_WRITE = Long(
    style="both", status=202, seconds=20, lands="end", body="operation", retry_after=15
)
_SQL_DELETE = Long(style="both", status=202, seconds=20, body="operation", retry_after=15)
_SQL_ASYNCHRONOUS = "2015-05-01-preview"
_FLEXIBLE_WRITE = Long(
    style="both", status=202, seconds=30, lands="end", body="operation", retry_after=15
)
_FLEXIBLE_DELETE = Long(style="both", status=202, seconds=30, body="none", retry_after=15)
_COSMOS_WRITE = Long(
    style="both",
    status=200,
    seconds=60,
    lands="end",
    words=("Enqueued", "Dequeued"),
    retry_after=10,
)
_COSMOS_CREATE = Long(
    style="both", status=200, seconds=120, words=("Dequeued",), state="Initializing", retry_after=10
)
_COSMOS_BUSY = Busy(
    412,
    "PreconditionFailed",
    "There is already an operation in progress which requires exclusive lock on this service. "
    "Please retry the operation after sometime.",
)
_SECRETS = ("properties.administratorLoginPassword",)


def _flexible(provider: str, version: str) -> tuple[ResourceType, ...]:
    """Flexible servers with their firewall rules and configurations."""
    server = f"{provider}/flexibleServers"
    return (
        ResourceType(
            server,
            api_version=version,
            create=_FLEXIBLE_WRITE,
            update=_FLEXIBLE_WRITE,
            patched=_FLEXIBLE_WRITE,
            delete=_FLEXIBLE_DELETE,
            read_only=("properties.state", "properties.fullyQualifiedDomainName"),
            computed={"properties.state": "Ready"},
            provisioning_state=False,
            secrets=_SECRETS,
            busy=Busy(409, "ServerIsBusy", "The server is busy with another operation."),
        ),
        ResourceType(
            f"{server}/firewallRules",
            api_version=version,
            patch=None,
            create=_FLEXIBLE_WRITE,
            update=_FLEXIBLE_WRITE,
            delete=_FLEXIBLE_DELETE,
            rules=(datastores.check_firewall_rule,),
            provisioning_state=False,
            located=False,
        ),
        ResourceType(
            f"{server}/configurations",
            api_version=version,
            create=_FLEXIBLE_WRITE,
            update=_FLEXIBLE_WRITE,
            patched=_FLEXIBLE_WRITE,
            provisioning_state=False,
            located=False,
        ),
    )


def _clusters(type_: str, version: str) -> tuple[ResourceType, ...]:
    """Database clusters with their firewall rules."""
    return (
        ResourceType(
            type_,
            api_version=version,
            create=_FLEXIBLE_WRITE,
            update=_FLEXIBLE_WRITE,
            patched=_FLEXIBLE_WRITE,
            delete=_FLEXIBLE_DELETE,
            secrets=(*_SECRETS, "properties.administrator.password"),
        ),
        ResourceType(
            f"{type_}/firewallRules",
            api_version=version,
            patch=None,
            create=_FLEXIBLE_WRITE,
            update=_FLEXIBLE_WRITE,
            delete=_FLEXIBLE_DELETE,
            rules=(datastores.check_firewall_rule,),
            located=False,
        ),
    )


ROWS = (
    ResourceType(
        "Microsoft.Sql/servers",
        api_version="2023-08-01-preview",
        read_only=("properties.state", "properties.fullyQualifiedDomainName"),
        computed={
            "properties.state": "Ready",
            "properties.fullyQualifiedDomainName": "{name}.database.windows.net",
        },
        versions={
            "properties.publicNetworkAccess": ("2019-06-01-preview", ""),
            "properties.minimalTlsVersion": ("2019-06-01-preview", ""),
            "properties.restrictOutboundNetworkAccess": ("2021-02-01-preview", ""),
        },
        defaults={
            "kind": "v12.0",
            "properties": {
                "version": "12.0",
                "publicNetworkAccess": "Enabled",
                "minimalTlsVersion": "1.2",
                "restrictOutboundNetworkAccess": "Disabled",
            },
        },
        create=_SQL_WRITE,
        update=_SQL_WRITE,
        patched=_SQL_WRITE,
        delete=_SQL_DELETE,
        asynchronous_since=_SQL_ASYNCHRONOUS,
        busy=_SQL_BUSY,
        provisioning_state=False,
        secrets=_SECRETS,
    ),
    ResourceType(
        "Microsoft.Sql/servers/firewallRules",
        api_version="2023-08-01-preview",
        patch=None,
        defaults={"kind": "v12.0"},
        versions={"kind": ("", "2014-04-01")},
        rules=(datastores.check_firewall_rule,),
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Sql/servers/ipv6FirewallRules",
        api_version="2023-08-01-preview",
        patch=None,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Sql/servers/virtualNetworkRules",
        api_version="2023-08-01-preview",
        patch=None,
        read_only=("properties.state",),
        computed={"properties.state": "Ready"},
        create=_SQL_WRITE,
        update=_SQL_WRITE,
        delete=_SQL_DELETE,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Sql/servers/auditingSettings",
        api_version="2023-08-01-preview",
        patch=None,
        create=_SQL_WRITE,
        update=_SQL_WRITE,
        provisioning_state=False,
        located=False,
        implicit={"default": {"state": "Disabled"}},
    ),
    ResourceType(
        "Microsoft.Sql/servers/databases",
        api_version="2023-08-01-preview",
        create=_SQL_WRITE,
        update=_SQL_WRITE,
        patched=_SQL_WRITE,
        asynchronous_since=_SQL_ASYNCHRONOUS,
        busy=_SQL_BUSY,
        provisioning_state=False,
    ),
    ResourceType(
        "Microsoft.Sql/servers/databases/transparentDataEncryption",
        api_version="2023-08-01-preview",
        patch=None,
        created_status=200,
        provisioning_state=False,
        located=False,
        implicit={"current": {"state": "Enabled"}},
    ),
    ResourceType(
        "Microsoft.Sql/managedInstances",
        api_version="2023-08-01-preview",
        create=_SQL_WRITE,
        update=_SQL_WRITE,
        patched=_SQL_WRITE,
        delete=_SQL_DELETE,
        busy=_SQL_BUSY,
        secrets=_SECRETS,
    ),
    ResourceType(
        "Microsoft.DocumentDB/databaseAccounts",
        api_version="2024-05-15",
        whole=frozenset({"properties.consistencyPolicy"}),
        read_only=("properties.provisioningState", "properties.documentEndpoint"),
        versions={
            "properties.ipRangeFilter": ("", "2020-03-01"),
            "properties.connectorOffer": ("", "2020-03-01"),
            "properties.enableCassandraConnector": ("", "2020-03-01"),
            "properties.ipRules": ("2020-04-01", ""),
            "properties.publicNetworkAccess": ("2020-04-01", ""),
            "properties.disableLocalAuth": ("2021-10-15", ""),
            "properties.minimalTlsVersion": ("2022-11-15", ""),
        },
        defaults={
            "kind": "GlobalDocumentDB",
            "tags": {},
            "properties": {
                "ipRangeFilter": "",
                "ipRules": [],
                "virtualNetworkRules": [],
                "isVirtualNetworkFilterEnabled": False,
                "enableAutomaticFailover": False,
                "enableMultipleWriteLocations": False,
                "enablePartitionKeyMonitor": False,
                "enableCassandraConnector": False,
                "connectorOffer": "",
                "configurationOverrides": {},
                "cors": [],
                "capabilities": [],
                "consistencyPolicy": {
                    "defaultConsistencyLevel": "Session",
                    "maxIntervalInSeconds": 5,
                    "maxStalenessPrefix": 100,
                },
                "publicNetworkAccess": "Enabled",
                "disableLocalAuth": False,
                "disableKeyBasedMetadataWriteAccess": False,
                "minimalTlsVersion": "Tls12",
            },
        },
        create=_COSMOS_CREATE,
        update=_COSMOS_WRITE,
        patched=_COSMOS_WRITE,
        delete=Long(
            style="both", status=202, seconds=120, body="status", words=("Enqueued", "Dequeued")
        ),
        rules=(datastores.name_apis, datastores.spread_account),
        landed=(datastores.open_account,),
        busy=_COSMOS_BUSY,
        actions={
            "listKeys": Action(result=datastores.cosmos_keys),
            "readonlykeys": Action(result=datastores.cosmos_keys),
        },
    ),
    ResourceType(
        "Microsoft.Cache/Redis",
        api_version="2024-03-01",
        read_only=("properties.provisioningState", "properties.hostName"),
        computed={"properties.hostName": "{name}.redis.cache.windows.net"},
        defaults={
            "properties": {
                "enableNonSslPort": False,
                "publicNetworkAccess": "Enabled",
                "port": 6379,
                "sslPort": 6380,
                "linkedServers": [],
            }
        },
        versions={"properties.publicNetworkAccess": ("2020-06-01", "")},
        create=Long(style="location", status=201, seconds=60, state="Creating", retry_after=30),
        delete=Long(style="location", status=202, seconds=60, body="none", retry_after=30),
        busy=Busy(
            409,
            "Conflict",
            "The resource is busy processing a previous update or is undergoing system updates.",
        ),
        actions={"listKeys": Action(result=datastores.list_keys)},
    ),
    ResourceType(
        "Microsoft.Cache/Redis/firewallRules",
        api_version="2024-03-01",
        patch=None,
        provisioning_state=False,
        located=False,
    ),
    *_clusters("Microsoft.DBforPostgreSQL/serverGroupsv2", "2022-11-08"),
    *_clusters("Microsoft.DocumentDB/mongoClusters", "2025-09-01"),
    *_flexible("Microsoft.DBforPostgreSQL", "2024-08-01"),
    *_flexible("Microsoft.DBforMySQL", "2023-12-30"),
    ResourceType(
        "Microsoft.Synapse/workspaces",
        api_version="2021-06-01",
        create=Long(style="both", status=201, seconds=60, retry_after=15),
        update=Long(style="both", status=202, seconds=30, retry_after=15),
        patched=Long(style="location", status=202, seconds=30, retry_after=15),
        delete=Long(style="both", status=202, seconds=60, body="none", retry_after=15),
    ),
    ResourceType(
        "Microsoft.Synapse/workspaces/firewallRules",
        api_version="2021-06-01",
        patch=None,
        create=Long(style="both", status=201, seconds=20, retry_after=15),
        update=Long(style="both", status=200, seconds=20, retry_after=15),
        delete=Long(style="both", status=202, seconds=20, body="none", retry_after=15),
        located=False,
    ),
)
