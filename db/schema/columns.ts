import { char, datetime, decimal, varchar } from 'drizzle-orm/mysql-core';

/** Column kinds every table shares, so that one thing has one type everywhere. */

/** `0x` and forty hex digits, EIP-55 spelling. */
export const addressColumn = (name: string) => char(name, { length: 42 }).$type<`0x${string}`>();

/** `0x` and 64 hex digits. */
export const hashColumn = (name: string) => char(name, { length: 66 }).$type<`0x${string}`>();

/** An amount in base units or wei, as a bigint. 65 digits are MySQL's most. */
export const unitsColumn = (name: string) => decimal(name, { precision: 65, scale: 0, mode: 'bigint' });

/** UTC, milliseconds. */
export const timeColumn = (name: string) => datetime(name, { mode: 'date', fsp: 3 });

export const requestIdColumn = (name: string) => varchar(name, { length: 64 });
