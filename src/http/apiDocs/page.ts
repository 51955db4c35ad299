import type { Request } from 'express';
import { accessibilityScript } from './accessibility';

/** The path that the API is mounted on, for the HTML of a page; empty at the root. */
export function basePathOf({ baseUrl }: Request): string {
  return baseUrl.replace(/[^\w/.~-]/g, encodeURIComponent);
}

/**
 * The page that shows openapi.json with Swagger UI. It has no inline script or style: its policy forbids them.
 *
 * @param base the path that the API is mounted on
 */
export function page(base: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ACS authentication server: API</title>
<link rel="icon" type="image/png" href="${base}/docs/favicon-32x32.png">
<link rel="stylesheet" href="${base}/docs/swagger-ui.css">
<link rel="stylesheet" href="${base}/docs/viewer.css">
</head>
<body>
<div id="api"></div>
<noscript>This page needs JavaScript. It shows <a href="${base}/openapi.json">openapi.json</a>.</noscript>
<script src="${base}/docs/swagger-ui-bundle.js"></script>
<script src="${base}/docs/start.js"></script>
</body>
</html>
`;
}

export interface StartOptions {
  scopes: readonly string[];
  /** The client that signs users in; it is filled in. */
  clientId: string | undefined;
}

/** The tag of the operations under the names of Microsoft's sample, which do the same as others. */
const repeatedOperations = 'Sample names';

/**
 * Starts Swagger UI in a browser. To try an operation, sign in as a single-page app does, or paste an access token; neither is kept after
 * the page is closed. The badge of Swagger's validator, a remote service, stays off.
 */
export function startScript({ scopes, clientId }: StartOptions): string {
  const signIn = {
    usePkceWithAuthorizationCodeGrant: true,
    scopes,
    ...(clientId === undefined ? {} : { clientId }),
  };
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
  tryItOutEnabled: true,
  defaultModelsExpandDepth: -1,
  onComplete: () => ui.layoutActions.show(['operations-tag', ${JSON.stringify(repeatedOperations)}], false),
});
ui.initOAuth(${JSON.stringify(signIn)});
${accessibilityScript}`;
}
