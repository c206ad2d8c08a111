// App Service authentication before the console: people of one tenant, for one app registration.
param app string
param tenant string
param client string

var authority = replace(loadTextContent('../authentication.json'), 'https://{authority}/', environment().authentication.loginEndpoint)
var settings = json(replace(replace(authority, '{tenant}', tenant), '{client}', client))

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: app
}

resource signIn 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'authsettingsV2'
  properties: settings
}
