/** How many rows a field leads to, as its arguments say it: a number, or a list by its length. */
export interface PageSize {
  /** The first of these that is given says it. */
  readonly from: readonly string[];
  /** Where none is given. */
  readonly unless: number;
  /** The field itself refuses more, and whatever is no size. */
  readonly max: number;
}

/**
 * What a field of the schema costs, said where the field is defined. A point is about what it takes to read and show a row,
 * 0.01 to 0.05 ms. A field without a word on it costs 1 where it leads to a row of the database, and nothing otherwise.
 */
export interface FieldCost {
  /** Points, for each object that it is asked of. */
  readonly price?: number;
  /** Of a field that leads to a page of rows: how many there are. */
  readonly page?: PageSize & {
    /** Points for each of them at least, whatever is asked of them: 1 unless told. */
    readonly row?: number;
    /** The argument for which all have to be gone through: another order than they are stored in, the number of the page. */
    readonly order?: string;
  };
  /**
   * Of a list: how many items it can have, whose making is in the price; or that they are the rows of the page that it is
   * a part of, or of its own, each of which costs 1.
   */
  readonly items?: number | 'page' | 'own';
  /** Points for going through all that the field is about once: the rows of the whole list, the records that it measures. */
  readonly whole?: number;
  /** How many such wholes there are, if not one. */
  readonly wholes?: PageSize;
  /** What each row is held against by the argument `filter`. */
  readonly filter?: {
    /** Points for going through these rows once. */
    readonly rows: number;
    /** Whether that is in the price. */
    readonly isPaid?: boolean;
    /** The argument that says by their ids what the rows belong to, beside the filter. */
    readonly within?: string;
  };
  /** How often the field goes through all that the field around it is about. */
  readonly share?: number;
}

/** The option of a field that says what it costs. */
export function costs(cost: FieldCost) {
  return { extensions: { cost } };
}
