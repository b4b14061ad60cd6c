import { POOL_TYPE } from '../domain/codes.ts';
import { HOUR, MINUTE, type WorkingHours } from './calendar.ts';
import { createRandom, type Random } from './random.ts';

/** Somebody who works on tasks. */
export interface Operator {
  id: bigint;
  /** The account with which the operator writes records. */
  accountId: bigint;
  teamId: bigint;
  /** The type of the pools in which the operator works: annotation, check or sampling. */
  poolType: number;
  hours: WorkingHours;
  /** Time needed, relative to the average operator; below 1 is fast. */
  pace: number;
  /** The share of instances that the operator gets wrong, 0 to 1. */
  errorRate: number;
}

/** The account that writes what the platform does by itself. */
export const SYSTEM_ACCOUNT = 6_100_001n;

/** Project managers share a zone and keep the campaigns moving: they release, dissolve and take back. */
export const MANAGER_ACCOUNTS = [6_200_011n, 6_200_012n, 6_200_015n, 6_200_019n] as const;
export const MANAGER_HOURS: WorkingHours = office('Asia/Shanghai', 8, 9.5, 12, null);

interface TeamPlan {
  hours: WorkingHours;
  annotators: number;
  reviewers: number;
  inspectors: number;
}

/** Two teams of annotators and one that reviews and inspects, per crew; 51 people in all. */
const CREWS: readonly (readonly TeamPlan[])[] = [
  [
    team(office('Asia/Shanghai', 8, 9, 12, 0), 6, 0, 0),
    team(office('Asia/Ho_Chi_Minh', 7, 8.5, 12, null), 5, 0, 0),
    team(office('Asia/Shanghai', 8, 9.5, 12.5, 1), 0, 4, 2),
  ],
  [
    team(office('Asia/Kolkata', 5.5, 9.5, 13, 1), 6, 0, 0),
    team(office('Africa/Nairobi', 3, 8, 13, null), 5, 0, 0),
    team(office('Asia/Kolkata', 5.5, 10, 13.5, null), 0, 4, 2),
  ],
  [
    team(office('Asia/Manila', 8, 9, 12, 1), 6, 0, 0),
    team(office('Asia/Ho_Chi_Minh', 7, 8.5, 11.5, 0), 5, 0, 0),
    team(office('Asia/Manila', 8, 9.5, 12.5, null), 0, 4, 2),
  ],
];

function team(
  hours: WorkingHours,
  annotators: number,
  reviewers: number,
  inspectors: number,
): TeamPlan {
  return { hours, annotators, reviewers, inspectors };
}

/** Eight hours of work around an hour of lunch; the arguments are in hours. */
function office(
  zone: string,
  utcOffset: number,
  starts: number,
  lunch: number,
  saturdays: WorkingHours['saturdays'],
): WorkingHours {
  return {
    zone,
    utcOffset: utcOffset * HOUR,
    starts: starts * HOUR,
    lunchStarts: lunch * HOUR,
    lunchEnds: (lunch + 1) * HOUR,
    ends: (starts + 9) * HOUR,
    saturdays,
  };
}

/** Some come half an hour earlier or later than their team; lunch is together. */
function ownHours(random: Random, hours: WorkingHours): WorkingHours {
  const shift = random.pick([-30, 0, 0, 30]) * MINUTE;
  return { ...hours, starts: hours.starts + shift, ends: hours.ends + shift };
}

/**
 * The people of one crew, the same at each call. A wave of campaigns has its own crews, so that a larger simulation has
 * more people rather than people who are in two places at once.
 */
export function crewOf(seed: number, wave: number, crew: number): Operator[] {
  const random = createRandom(seed, 1 + crew, wave);
  const teams = CREWS[crew]!;
  const firstTeam = 7_001 + (wave * CREWS.length + crew) * teams.length;
  const firstOperator = 52_001 + (wave * CREWS.length + crew) * 20;
  const operators: Operator[] = [];
  teams.forEach(({ hours, annotators, reviewers, inspectors }, place) => {
    const poolTypes = [
      ...Array<number>(annotators).fill(POOL_TYPE.ANNOTATION),
      ...Array<number>(reviewers).fill(POOL_TYPE.CHECK),
      ...Array<number>(inspectors).fill(POOL_TYPE.SAMPLING),
    ];
    for (const poolType of poolTypes) {
      const number = firstOperator + operators.length;
      operators.push({
        id: BigInt(number),
        accountId: BigInt(20_000_000 + number),
        teamId: BigInt(firstTeam + place),
        poolType,
        hours: ownHours(random, hours),
        pace: random.between(0.8, 1.35),
        errorRate: random.between(0.01, 0.08),
      });
    }
  });
  return operators;
}
