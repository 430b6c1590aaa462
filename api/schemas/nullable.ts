import { Type, type Static, type TSchema, type TUnsafe } from 'typebox';

/** `schema` or null, as one JSON Schema with a list of types: serialised without trying alternatives. */
export function nullable<T extends TSchema & { type: string }>(schema: T): TUnsafe<Static<T> | null> {
  // An enumeration names every value, null too.
  const values = 'enum' in schema && Array.isArray(schema.enum) ? { enum: [...(schema.enum as unknown[]), null] } : {};
  return Type.Unsafe<Static<T> | null>({ ...schema, ...values, type: [schema.type, 'null'] });
}

/** A string of one of the values; `Type.Enum` alone names no type. */
export function oneOf<T extends string>(values: readonly T[], options: object = {}): TUnsafe<T> & { type: 'string' } {
  return { ...Type.Unsafe<T>({ type: 'string', enum: [...values], ...options }), type: 'string' };
}
