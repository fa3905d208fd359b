import { expect, it } from 'vitest';
import { MovingRate } from '../../src/metrics/moving-rate.ts';

const TICKS_A_MINUTE = 12;

// The figures of go-metrics' own tests: three events, one tick, then a minute each.
it.each([
  [
    1,
    [
      0.6, 0.22072766470286553, 0.08120116994196772, 0.029872241020718428, 0.01098938333324054,
      0.004042768199451294, 0.0014872513059998212, 0.0005471291793327122, 0.00020127757674150815,
      7.404588245200814e-5, 2.7239957857491083e-5, 1.0021020474147462e-5, 3.6865274119969525e-6,
      1.3561976441886433e-6, 4.989172314621449e-7, 1.8354139230109722e-7,
    ],
  ],
  [
    5,
    [
      0.6, 0.49123845184678905, 0.4021920276213837, 0.32928698165641596, 0.269597378470333,
      0.2207276647028654, 0.18071652714732128, 0.14795817836496392, 0.12113791079679326, 0.09917933293295193,
      0.08120116994196763, 0.06648189501740036, 0.05443077197364752, 0.04456414692860035, 0.03648603757513079,
      0.02987224102071838,
    ],
  ],
  [
    15,
    [
      0.6, 0.5613041910189706, 0.5251039914257684, 0.4912384518467889, 0.459557003018789, 0.4299187863442732,
      0.4021920276213831, 0.37625345116383313, 0.3519877317060185, 0.3292869816564153, 0.3080502714195546,
      0.2881831806538789, 0.26959737847033216, 0.2522102307052083, 0.23594443252115815, 0.22072766470286467,
    ],
  ],
])(
  'a rate over %i minutes decays as go-metrics has it, tick by tick and all at once',
  (minutes, expected) => {
    const byTick = new MovingRate(minutes);
    const atOnce = new MovingRate(minutes);
    for (const rate of [byTick, atOnce]) {
      rate.mark(3);
      rate.tick();
    }
    for (const perSecond of expected) {
      // go-metrics adds up its ticks one by one too, but rounds in another place.
      expect(byTick.perSecond / perSecond).toBeCloseTo(1, 12);
      expect(atOnce.perSecond / perSecond).toBeCloseTo(1, 12);
      for (let tick = 0; tick < TICKS_A_MINUTE; tick++) byTick.tick();
      atOnce.tick(TICKS_A_MINUTE);
    }
  },
);

it('a rate is 0 before the first tick, whatever was marked', () => {
  const rate = new MovingRate(1);
  rate.mark(1000);
  rate.tick(0);
  expect(rate.perSecond).toBe(0);
});
