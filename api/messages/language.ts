import Negotiator from 'negotiator';
import { en } from './en.ts';
import { ko } from './ko.ts';
import type { Messages } from './messages.ts';

/** The first is the default. */
export const LANGUAGES = ['ko', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const MESSAGES: Record<Language, Messages> = { ko, en };

/** The caller's language by Accept-Language (RFC 9110, 12.5.4); Korean when the header is absent or names neither. */
export function languageOf(acceptLanguage: string | undefined): Language {
  if (acceptLanguage === undefined) return 'ko';
  const chosen = new Negotiator({ headers: { 'accept-language': acceptLanguage } }).language(LANGUAGES);
  return chosen === 'en' ? 'en' : 'ko';
}

export function messagesIn(language: Language): Messages {
  return MESSAGES[language];
}
