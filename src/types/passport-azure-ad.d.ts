/** The main file also loads the OpenID Connect strategy and its 350 files, which nothing here uses. */
declare module 'passport-azure-ad/lib/bearerstrategy' {
  import { BearerStrategy } from 'passport-azure-ad';
  export default BearerStrategy;
}
