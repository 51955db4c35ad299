/** The page that shows openapi.yaml with Swagger UI. Neither script nor style stands in it: its policy allows none. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ACS authentication server: API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="api"></main>
<noscript>This page needs JavaScript. The document that it shows is <a href="/openapi.json">openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/**
 * Starts Swagger UI in a browser. Whoever tries an operation signs in as a single-page app does, or pastes an access
 * token; neither is kept after the page is closed. The badge of Swagger's validator, a remote service, stays off.
 */
export function startScript(scope: string): string {
  return `'use strict';
const ui = SwaggerUIBundle({
  dom_id: '#api',
  url: '/openapi.json',
  oauth2RedirectUrl: location.origin + '/docs/oauth2-redirect.html',
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
});
ui.initOAuth({ usePkceWithAuthorizationCodeGrant: true, scopes: ${JSON.stringify([scope])} });
`;
}
