/** Hides what only makes Swagger UI longer: the client secret, which a single-page app does not have, and the headers of responses. */
export const viewerStyles = `
.auth-container label[for^="client_secret"], .auth-container label[for^="client_secret"] + section,
.responses-inner .headers-wrapper { display: none; }
`.trimStart();

export const errorsStyles = `
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre, table { display: block; overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.25rem 0.5rem; border: 1px solid; text-align: left; vertical-align: top; }
:target { outline: 2px solid; outline-offset: 0.25rem; }
`.trimStart();
