import { dirname } from 'node:path';
import express, { type Response, Router } from 'express';
import { type OpenApiVariables, readOpenApiJson } from './openApiDocument';
import { page, startScript } from './page';

/** The files of Swagger UI that the page needs; the package holds many more. `npm run package` copies these. */
export const viewerFiles = [
  '/swagger-ui.css',
  '/swagger-ui-bundle.js',
  '/favicon-32x32.png',
  '/oauth2-redirect.html',
  '/oauth2-redirect.js',
];

/**
 * The description of the API as /openapi.json, and as a page to read and try it under /docs. Works below any path that it is mounted on.
 */
export function createApiDocs(variables: OpenApiVariables, requiredScope: string): Router {
  const { signIn } = variables;
  const start = startScript(signIn ? [`api://${signIn.clientId}/${requiredScope}`] : []);
  const policy = contentSecurityPolicy(signIn?.authorityHost);
  const setDocumentHeaders = (response: Response) => {
    response.setHeader('Content-Security-Policy', policy);
    // No secrets here: unlike the responses of the API, these may be cached.
    response.setHeader('Cache-Control', 'public, max-age=300');
  };
  // Not through the package's main file, which would load the whole viewer into this process.
  const viewerFolder = dirname(require.resolve('swagger-ui-dist/package.json'));
  const viewer = express.static(viewerFolder, {
    index: false,
    redirect: false,
    setHeaders: setDocumentHeaders,
  });

  const router = Router();
  router.get('/openapi.json', async (request, response) => {
    const json = await readOpenApiJson(variables, request.baseUrl);
    setDocumentHeaders(response);
    response.type('json').send(json);
  });
  router.get('/docs', (request, response) => {
    setDocumentHeaders(response);
    response.type('html').send(page(request.baseUrl));
  });
  router.get('/docs/start.js', (_request, response) => {
    setDocumentHeaders(response);
    response.type('js').send(start);
  });
  router.use('/docs', Router().get(viewerFiles, viewer));
  return router;
}

/** Only this server's own files, except for the sign-in, which requests tokens from the authority. Swagger UI's images are data. */
function contentSecurityPolicy(authorityHost: string | undefined): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    authorityHost === undefined ? "connect-src 'self'" : `connect-src 'self' ${authorityHost}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
