import type { Database } from '../../db/client.ts';
import type { SecondFactorSeal } from '../../db/second-factor-seal.ts';
import type { Settings } from '../../domain/settings.ts';
import type { PasswordVerifier } from '../auth/passwords.ts';

/** What the routes of the second factor are given. */
export interface SecondFactorRoutes {
  database: Database;
  seal: SecondFactorSeal;
  passwords: PasswordVerifier;
  settings: Settings;
}
