import { sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import { char, customType, datetime, decimal, varchar } from 'drizzle-orm/mysql-core';

/** Column kinds every table shares, so that one thing has one type everywhere. */

/** `0x` and forty hex digits, EIP-55 spelling. */
export const addressColumn = (name: string) => char(name, { length: 42 }).$type<`0x${string}`>();

/** `0x` and 64 hex digits. */
export const hashColumn = (name: string) => char(name, { length: 66 }).$type<`0x${string}`>();

/** An amount in base units or wei, as a bigint. 65 digits are MySQL's most. */
export const unitsColumn = (name: string) => decimal(name, { precision: 65, scale: 0, mode: 'bigint' });

/** An amount to reckon with in SQL. As plain text it would make the server reckon in doubles, which hold fifteen digits. */
export const exactUnits = (amount: bigint): SQL => sql`CAST(${amount.toString()} AS DECIMAL(65,0))`;

/** A sum of such amounts, 0 of none; as text, as the driver would make a double of it. */
export const exactSum = (units: SQLWrapper): SQL<string> => sql<string>`CAST(COALESCE(SUM(${units}), 0) AS CHAR)`;

/** UTC, milliseconds. */
export const timeColumn = (name: string) => datetime(name, { mode: 'date', fsp: 3 });

export const requestIdColumn = (name: string) => varchar(name, { length: 64 });

/**
 * JSON kept as text: MySQL's JSON type and MariaDB's differ in what the driver hands back, text does not.
 * @param type the column's, where it is not `text` (64 KiB)
 */
export const jsonColumn = (name: string, type = 'text') =>
  customType<{ data: unknown; driverData: string }>({
    dataType: () => type,
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (value) => JSON.parse(value) as unknown,
  })(name);

/** A small flat JSON object. */
export const detailColumn = (name: string) => jsonColumn(name).$type<Record<string, string | number | null>>();
