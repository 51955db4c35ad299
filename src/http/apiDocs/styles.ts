/**
 * Hides parts of Swagger UI that are of no use here: the client secret, which a single-page app does not have, the headers of responses,
 * and the choice of a server, since there is one only. The light colors, and one of the dark ones, get more contrast.
 */
export const viewerStyles = `
.auth-container label[for^="client_secret"], .auth-container label[for^="client_secret"] + section,
.responses-inner .headers-wrapper, .swagger-ui .servers-title, .swagger-ui .servers { display: none; }
html.dark-mode .swagger-ui .opblock .opblock-section-header .try-out__btn.cancel { border-color: #ff9b9b; color: #ff9b9b; }
html:not(.dark-mode) .swagger-ui {
  .info .link, .info .url, .scopes h2 a { color: #1f5fa8; }
  .info .title small, .download-contents { background: #565d6b; }
  .info .title small.version-stamp { background: #47680a; }
  .parameter__in { color: #595959; }
  .btn.cancel { border-color: #b3261e; color: #b3261e; }
  .btn.authorize { border-color: #17734a; color: #17734a; }
  .btn.authorize svg { fill: #17734a; }
  .btn.execute { border-color: #1f5fa8; background: #1f5fa8; }
  .opblock.opblock-get .opblock-summary-method { background: #1f5fa8; }
  .opblock.opblock-post .opblock-summary-method { background: #17734a; }
  .opblock.opblock-delete .opblock-summary-method { background: #b3261e; }
}
`.trimStart();

export const errorsStyles = `
:root { color-scheme: light dark; }
body { margin: 0; background: Canvas; color: CanvasText; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
table { display: block; overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.25rem 0.5rem; border: 1px solid; text-align: left; vertical-align: top; }
:target { outline: 2px solid; outline-offset: 0.25rem; }
`.trimStart();
