import type { Random } from './random.ts';

/** What a campaign is about, as far as it shapes names, scenes and the effort they take. */
export interface Theme {
  /** Of a campaign: "Highway lidar 3D". */
  title: string;
  /** Of the taxonomy: "Highway objects". */
  objects: string;
  /** The tools with which operators draw; each is the first half of an operation key. */
  tools: readonly string[];
  /** Fewest and most frames of a scene. */
  frames: readonly [number, number];
  /** Objects of one operation in one frame, on average. */
  density: number;
}

const THEMES: readonly Theme[] = [
  {
    title: 'Highway lidar 3D',
    objects: 'Highway objects',
    tools: ['cuboid', 'select', 'cuboid', 'polyline'],
    frames: [20, 40],
    density: 3,
  },
  {
    title: 'City camera 2D',
    objects: 'City objects',
    tools: ['box', 'box', 'polygon', 'select'],
    frames: [1, 1],
    density: 9,
  },
  {
    title: 'Parking fisheye 2D',
    objects: 'Parking lots',
    tools: ['polygon', 'point', 'select'],
    frames: [1, 4],
    density: 7,
  },
  {
    title: 'Rural fusion 4D',
    objects: 'Rural roads',
    tools: ['cuboid', 'polyline', 'select', 'box'],
    frames: [10, 25],
    density: 2,
  },
  {
    title: 'Tunnel lidar 2D',
    objects: 'Tunnel lanes',
    tools: ['polyline', 'select', 'box'],
    frames: [5, 15],
    density: 4,
  },
  {
    title: 'Harbour trucks 3D',
    objects: 'Trucks and cranes',
    tools: ['cuboid', 'cuboid', 'select'],
    frames: [15, 30],
    density: 2,
  },
  {
    title: 'Lane marking 2D',
    objects: 'Lane markings',
    tools: ['polyline', 'polyline', 'point', 'select'],
    frames: [1, 1],
    density: 6,
  },
];

const CONDITIONS = [
  'night rain',
  'clear day',
  'dusk',
  'morning fog',
  'low sun',
  'wet road',
  'toll gates',
  'junctions',
  'roundabouts',
  'construction sites',
  'heavy traffic',
] as const;

/** The theme of a campaign; neighbouring campaigns have different ones. */
export function themeOf(campaignIndex: number): Theme {
  return THEMES[campaignIndex % THEMES.length]!;
}

/** "Highway lidar 3D 01"; the number makes it unique. */
export function campaignName(theme: Theme, campaignIndex: number): string {
  return `${theme.title} ${String(campaignIndex + 1).padStart(2, '0')}`;
}

/** "AR 2025-03 night rain 17"; `number` must be unique over all campaigns. */
export function requestName(random: Random, createdAt: Date, number: number): string {
  return `AR ${createdAt.toISOString().slice(0, 7)} ${random.pick(CONDITIONS)} ${number}`;
}

/** "highway-lidar-3d". */
export function slugOf(theme: Theme): string {
  return theme.title.toLowerCase().replaceAll(' ', '-');
}
