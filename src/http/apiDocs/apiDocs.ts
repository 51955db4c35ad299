import { dirname } from 'node:path';
import express, { type Response, Router } from 'express';
import { type OpenApiVariables, readOpenApiJson } from './openApiDocument';
import { page, startScript } from './page';

/** The files of Swagger UI that the page needs; the package holds many more. */
const viewerFiles = [
  '/swagger-ui.css',
  '/swagger-ui-bundle.js',
  '/favicon-32x32.png',
  '/oauth2-redirect.html',
  '/oauth2-redirect.js',
];

/** The description of the API as /openapi.json, and as a page to look at and try under /docs. */
export function createApiDocs(variables: OpenApiVariables): Router {
  const openApiJson = readOpenApiJson(variables);
  const start = startScript(`api://${variables.clientId}/access_as_user`);
  const policy = contentSecurityPolicy(variables.authorityHost);
  const asDocument = (response: Response) => {
    response.setHeader('Content-Security-Policy', policy);
    // No secrets here: unlike the answers of the API, these may be kept.
    response.setHeader('Cache-Control', 'public, max-age=300');
  };
  // Not through the package's main file, which would load the whole viewer into this process.
  const viewerFolder = dirname(require.resolve('swagger-ui-dist/package.json'));
  const viewer = express.static(viewerFolder, { index: false, redirect: false, setHeaders: asDocument });

  const router = Router();
  router.get('/openapi.json', (_request, response) => {
    asDocument(response);
    response.type('json').send(openApiJson);
  });
  router.get('/docs', (_request, response) => {
    asDocument(response);
    response.type('html').send(page);
  });
  router.get('/docs/start.js', (_request, response) => {
    asDocument(response);
    response.type('js').send(start);
  });
  router.use('/docs', Router().get(viewerFiles, viewer));
  return router;
}

/** Everything from here, but for the sign-in, which asks the authority for tokens. Swagger UI's images are data. */
function contentSecurityPolicy(authorityHost: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${authorityHost}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
