import { dirname } from 'node:path';
import express, { type Response, Router } from 'express';
import { type OpenApiVariables, readOpenApiJson } from './openApiDocument';
import { errorsPage } from './errorsPage';
import { basePathOf, page, startScript } from './page';
import { errorsStyles, viewerStyles } from './styles';

/** The files of Swagger UI that the page needs; the package holds many more. `npm run package` copies these. */
export const viewerFiles = [
  '/swagger-ui.css',
  '/swagger-ui-bundle.js',
  '/favicon-32x32.png',
  '/oauth2-redirect.html',
  '/oauth2-redirect.js',
];

export interface ApiDocsOptions {
  variables: OpenApiVariables;
  requiredScope: string;
  /** The single-page app that signs users in on the page; undefined: the reader of the page enters one. */
  signInClientId: string | undefined;
}

/**
 * The description of the API as /openapi.json, as a page to read and try it under /docs, and its errors under /docs/errors. Works below
 * any path that it is mounted on.
 */
export function createApiDocs({ variables, requiredScope, signInClientId }: ApiDocsOptions): Router {
  const { signIn } = variables;
  const scopes = signIn ? [`api://${signIn.clientId}/${requiredScope}`] : [];
  const texts = [
    { path: '/docs/start.js', type: 'js', text: startScript({ scopes, clientId: signInClientId }) },
    { path: '/docs/viewer.css', type: 'css', text: viewerStyles },
    { path: '/docs/errors.css', type: 'css', text: errorsStyles },
  ];
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
    response.type('html').send(page(basePathOf(request)));
  });
  router.get('/docs/errors', async (request, response) => {
    const html = await errorsPage(basePathOf(request));
    setDocumentHeaders(response);
    response.type('html').send(html);
  });
  for (const { path, type, text } of texts) {
    router.get(path, (_request, response) => {
      setDocumentHeaders(response);
      response.type(type).send(text);
    });
  }
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
