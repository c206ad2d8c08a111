// The tables of records and the saved queries over them, in a workspace that is there.
param workspaceName string

var tables = items(loadJsonContent('../tables.json'))
var queries = loadJsonContent('../queries.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

@batchSize(1)
resource table 'Microsoft.OperationalInsights/workspaces/tables@2025-07-01' = [for one in tables: {
  parent: workspace
  name: one.key
  properties: {
    plan: 'Analytics'
    schema: {
      name: one.key
      columns: one.value
    }
  }
}]

@batchSize(1)
resource query 'Microsoft.OperationalInsights/workspaces/savedSearches@2025-07-01' = [for one in queries: {
  parent: workspace
  name: one.name
  properties: {
    category: one.category
    displayName: one.displayName
    query: one.query
    version: 2
  }
}]

output location string = workspace.location
