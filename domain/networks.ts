/** The networks a withdrawal may name. */
export const NETWORKS = {
  'polygon-amoy': { chainId: 80002, nativeCurrency: 'POL' },
  polygon: { chainId: 137, nativeCurrency: 'POL' },
} as const;
export type Network = keyof typeof NETWORKS;
export const NETWORK_NAMES = Object.keys(NETWORKS) as readonly Network[];

/** True for a string that names a network. */
export function isNetwork(text: string): text is Network {
  return Object.hasOwn(NETWORKS, text);
}
