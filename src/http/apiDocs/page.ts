/**
 * The page that shows openapi.json with Swagger UI. It has no inline script or style: its policy forbids them.
 *
 * @param basePath the path that the API is mounted on, empty at the root
 */
export function page(basePath: string): string {
  const base = basePath.replace(/[^\w/.~-]/g, encodeURIComponent);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ACS authentication server: API</title>
<link rel="icon" type="image/png" href="${base}/docs/favicon-32x32.png">
<link rel="stylesheet" href="${base}/docs/swagger-ui.css">
</head>
<body>
<main id="api"></main>
<noscript>This page needs JavaScript. It shows <a href="${base}/openapi.json">openapi.json</a>.</noscript>
<script src="${base}/docs/swagger-ui-bundle.js"></script>
<script src="${base}/docs/start.js"></script>
</body>
</html>
`;
}

/**
 * Starts Swagger UI in a browser. To try an operation, sign in as a single-page app does, or paste an access token; neither is kept after
 * the page is closed. The badge of Swagger's validator, a remote service, stays off.
 */
export function startScript(scopes: readonly string[]): string {
  return `'use strict';
const docs = new URL('.', document.currentScript.src);
const ui = SwaggerUIBundle({
  dom_id: '#api',
  url: new URL('../openapi.json', docs).href,
  oauth2RedirectUrl: new URL('oauth2-redirect.html', docs).href,
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
});
ui.initOAuth({ usePkceWithAuthorizationCodeGrant: true, scopes: ${JSON.stringify(scopes)} });
`;
}
