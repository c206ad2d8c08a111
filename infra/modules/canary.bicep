// A resource that does nothing: the gate changes its tag, and sees whether that comes back.
param name string
param location string
param tags object
param gatePrincipalId string

@description('The role of canary-role.bicep, by its id.')
param roleId string

resource canary 'Microsoft.Resources/templateSpecs@2022-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    displayName: 'Portcullis canary'
    description: 'Its tag is changed to see whether events arrive. It deploys nothing.'
  }
}

resource gateMay 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(canary.id, gatePrincipalId)
  scope: canary
  properties: {
    principalId: gatePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleId
    description: 'Portcullis sees whether its change comes back.'
  }
}
