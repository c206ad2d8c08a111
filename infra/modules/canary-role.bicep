// What the gate may write to see whether events arrive: tags, of the canary alone.
targetScope = 'subscription'

param environmentName string

var here = subscription().id

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(here, environmentName, 'canary')
  properties: {
    roleName: 'Portcullis canary ${environmentName} ${subscription().subscriptionId}'
    description: 'Changes tags of the canary, and nothing else.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Resources/tags/read'
          'Microsoft.Resources/tags/write'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
    assignableScopes: [
      here
    ]
  }
}

output id string = role.id
