"""MariaDB servers, a retired product."""

from shared.model import ResourceType

SERVER = ResourceType("Microsoft.DBforMariaDB/servers", api_version="2018-06-01")
