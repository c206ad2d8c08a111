// One function app on a Flex Consumption plan of its own: a plan holds no more than one.
param name string
param location string
param tags object

@description('The service of azure.yaml that is deployed here, and what PORTCULLIS_APP says.')
@allowed([
  'gate'
  'hand'
])
param service string

param identityId string
param clientId string

@description('The storage account of the host: its locks, keys, and the package. No other app has rights on it.')
param hostAccount string

@description('The container of the package.')
param container string

@description('The storage account of state and queues, which gate and hand share.')
param stateAccount string

@description('App settings beside those that every app has.')
param settings object

param memory int
param maximumInstances int

@description('The subnet that the app reaches others from; empty for none.')
param subnetId string

var host = 'https://${hostAccount}.blob.${environment().suffixes.storage}'
var state = {
  queue: 'https://${stateAccount}.queue.${environment().suffixes.storage}'
  table: 'https://${stateAccount}.table.${environment().suffixes.storage}'
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': service
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${host}/${container}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: memory
        maximumInstanceCount: maximumInstances
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: union(settings, {
    AZURE_CLIENT_ID: clientId
    AzureWebJobsStorage__blobServiceUri: host
    AzureWebJobsStorage__clientId: clientId
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__queueServiceUri: state.queue
    AzureWebJobsStorage__tableServiceUri: state.table
    PORTCULLIS_APP: service
    PORTCULLIS_CLOUD: environment().name
    PORTCULLIS_STORAGE: stateAccount
    // host.json lets twelve messages be under way at once, and a core alone gives five threads.
    PYTHON_THREADPOOL_THREAD_COUNT: '16'
  })
}

resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

output id string = site.id
output name string = site.name
output host string = site.properties.defaultHostName
