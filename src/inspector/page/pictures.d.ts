/** Made by scripts/build.mjs. */
declare module 'containerd:pictures' {
  const pictures: import('../pictures.ts').Pictures;
  export default pictures;
}
