/** esbuild bundles these files as text: the page shows them. */
declare module '*.client.js' {
  const text: string;
  export default text;
}
