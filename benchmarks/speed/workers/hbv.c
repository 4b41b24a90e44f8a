/* HBV 1.0 by hand. Lanes are the components of all basins; the loop over them has no branches and vectorises. */

#include <math.h>
#include <stddef.h>

#define LANES (BASINS * COMPONENTS)
#define PARAMETERS 12

static const float LOW[PARAMETERS] = {1, 50, .05f, .01f, .001f, .2f, 0, 0, -2.5f, .5f, 0, 0};
static const float HIGH[PARAMETERS] = {6, 1000, .9f, .5f, .2f, 1, 10, 100, 2.5f, 10, .1f, .2f};
static float p[PARAMETERS][LANES], inverse_fc[LANES], inverse_limit[LANES];
static float snow[LANES], liquid[LANES], soil[LANES], upper[LANES], lower[LANES];
static float rain[LANES], warm[LANES], dry[LANES], runoff[LANES];

static inline float smaller(float a, float b) { return a < b ? a : b; }
static inline float positive(float a) { return a > 0 ? a : 0; }

static void start(const float *raw) {
    for (int k = 0; k < PARAMETERS; k++)
        for (int i = 0; i < LANES; i++) p[k][i] = LOW[k] + (HIGH[k] - LOW[k]) / (1 + expf(-raw[k * LANES + i]));
    for (int i = 0; i < LANES; i++) {
        snow[i] = liquid[i] = soil[i] = upper[i] = lower[i] = 0.001f;
        inverse_fc[i] = 1 / p[1][i];
        inverse_limit[i] = 1 / (p[5][i] * p[1][i]);
    }
}

static void step(void) {
    for (int i = 0; i < LANES; i++) {
        float warmth = warm[i] - p[8][i];
        float snowfall = warmth < 0 ? rain[i] : 0;
        float ice = snow[i] + snowfall;
        float melt = smaller(p[9][i] * positive(warmth), ice);
        ice -= melt;
        float water = liquid[i] + melt;
        float frozen = smaller(p[10][i] * p[9][i] * positive(-warmth), water);
        ice += frozen;
        water -= frozen;
        float released = positive(water - p[11][i] * ice);
        snow[i] = ice;
        liquid[i] = water - released;
        float inflow = rain[i] - snowfall + released;
        float moisture = soil[i];
        float recharge = inflow * smaller(expf(p[0][i] * logf(moisture * inverse_fc[i])), 1);
        moisture += inflow - recharge;
        float excess = positive(moisture - p[1][i]);
        moisture -= excess;
        soil[i] = moisture - smaller(dry[i] * smaller(moisture * inverse_limit[i], 1), moisture);
        float above = upper[i] + recharge + excess;
        float percolated = smaller(p[6][i], above);
        above -= percolated;
        float quick = p[2][i] * positive(above - p[7][i]);
        above -= quick;
        float inter = p[3][i] * above;
        float below = lower[i] + percolated;
        float base = p[4][i] * below;
        upper[i] = above - inter;
        lower[i] = below - base;
        runoff[i] = quick + inter + base;
    }
}

/* raw [parameter, basin, component]; forcings and flow [day, basin] */
void streamflow(ptrdiff_t days, const float *raw, const float *precipitation, const float *temperature,
                const float *demand, float *flow) {
    start(raw);
    for (ptrdiff_t day = 0; day < days; day++) {
        for (int basin = 0; basin < BASINS; basin++)
            for (int i = basin * COMPONENTS; i < (basin + 1) * COMPONENTS; i++) {
                rain[i] = precipitation[day * BASINS + basin];
                warm[i] = temperature[day * BASINS + basin];
                dry[i] = demand[day * BASINS + basin];
            }
        step();
        for (int basin = 0; basin < BASINS; basin++) {
            float sum = 0;
            for (int i = 0; i < COMPONENTS; i++) sum += runoff[basin * COMPONENTS + i];
            flow[day * BASINS + basin] = sum / COMPONENTS;
        }
    }
}
