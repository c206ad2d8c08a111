// What the people on call look at, and what wakes them: the workbook, alert rules, whom they reach.
param location string
param tags object
param workspaceId string

@description('Who gets alerts by mail; without one, rules fire and nobody is told.')
param emails array

var alerts = loadJsonContent('../alerts.json')

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'portcullis')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Portcullis'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('../workbook.json')
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'portcullis-on-call'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'portcullis'
    emailReceivers: [for (one, i) in emails: {
      name: 'mail-${i}'
      emailAddress: one
      useCommonAlertSchema: true
    }]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for one in alerts: {
  name: 'portcullis-${one.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: union(one.properties, {
    enabled: true
    // A table that was made just now may not be found yet; the queries are tested.
    skipQueryValidation: true
    scopes: [
      workspaceId
    ]
    actions: {
      actionGroups: [
        people.id
      ]
    }
  })
}]
