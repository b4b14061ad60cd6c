/**
 * Ids as Rosetta issues them: 64 bits, of which the lowest 22 number the ids of one millisecond. Here 18 of these 22 name
 * the campaign, since several campaigns live through the same weeks and no two of them may issue the same id.
 */

const EPOCH = Date.UTC(2020, 0, 1);
const SEQUENCE_SIZE = 16;

/** So many campaigns find room in an id. */
export const MAX_CAMPAIGNS = 2 ** 18;

/** Starts the ids of one campaign. Each call gives an id above the one before; instants must not run backwards. */
export function createSnowflakes(campaignIndex: number): (instant: number) => bigint {
  let last = 0;
  let sequence = 0;
  return (instant) => {
    if (instant > last) {
      last = instant;
      sequence = 0;
    } else if (++sequence === SEQUENCE_SIZE) {
      // A full millisecond borrows from the next one, which keeps the ids rising.
      last += 1;
      sequence = 0;
    }
    return BigInt(last - EPOCH) * 4_194_304n + BigInt(campaignIndex * SEQUENCE_SIZE + sequence);
  };
}
