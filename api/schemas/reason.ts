import { Type } from 'typebox';

/** Why somebody did something, in their words; as long as the columns that hold it, characters. */
export const reasonSchema = (example: string) => Type.String({ minLength: 1, maxLength: 255, examples: [example] });
