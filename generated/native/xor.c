/* Exclusive or

   The loops of xor.py, written by symbackprop from the same equations.

   The module compiles this file on first use, once for each dtype: cc -DREAL=float
   -DREAL_IS_DOUBLE=0, or cc -DREAL=double -DREAL_IS_DOUBLE=1.
   The numbers in the comments are those of the equations in the derivation. */

#if defined __AVX512F__ && defined __GNUC__ && __GNUC__ >= 10 && !defined __clang__
#pragma GCC target("prefer-vector-width=512")
#endif
#define _POSIX_C_SOURCE 200809L /* for locks that many may hold */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>
#endif

typedef REAL real;


/* ---- The functions of NumPy at one entry: without branches, so that loops over them are vectorised.

   exp: 2^n e^r with n whole and |r| <= ln 2 / 2, ln 2 in two parts (Cody and Waite, 1980), and log by
   log m = f - (f^2/2 - s (f^2/2 + R(s^2))), s = f / (2 + f), f = m - 1 (as Tang, 1990). The polynomials
   are minimax by the exchange of Remez (1934), computed in 60 digits. */

#define IS_double 1
#define IS_float 0
#define IS(type) IS_##type
#define IS_A_DOUBLE(type) IS(type)

/* What is called in loops is part of them, or they are not vectorised. */
#ifdef __GNUC__
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

/* a b + c, rounded once where the processor does that as quickly as twice. */
#if IS_A_DOUBLE(REAL) && defined FP_FAST_FMA
#define fused fma
#elif !IS_A_DOUBLE(REAL) && defined FP_FAST_FMAF
#define fused fmaf
#else
#define fused(a, b, c) ((a) * (b) + (c))
#endif

#define maximum(a, b) ((a) >= (b) || (a) != (a) ? (a) : (b))
#define minimum(a, b) ((a) <= (b) || (a) != (a) ? (a) : (b))
#define sign(a) ((a) > 0 ? 1 : (a) < 0 ? -1 : (a))

#define LARGER_AND_SMALLER(type, prefix) \
    INLINED type prefix##_larger(type a, type b) { return maximum(a, b); } \
    INLINED type prefix##_smaller(type a, type b) { return minimum(a, b); }
LARGER_AND_SMALLER(real, real)
LARGER_AND_SMALLER(double, double)
LARGER_AND_SMALLER(int64_t, whole)

#pragma omp declare reduction(largest : float, double : omp_out = maximum(omp_out, omp_in)) \
    initializer(omp_priv = -INFINITY)
#pragma omp declare reduction(smallest : float, double : omp_out = minimum(omp_out, omp_in)) \
    initializer(omp_priv = INFINITY)

static inline int64_t clipped(int64_t i, int64_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }

static inline int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t modulo(int64_t a, int64_t b) { return a - b * floor_divide(a, b); }

#if IS_A_DOUBLE(REAL)
typedef int64_t bits, whole; /* as wide as real */
typedef uint64_t positive_bits;
enum { MANTISSA = 52, BIAS = 1023 };
#define TURN 0x1.8p52 /* a sum with it is whole */
#define LOG2_E 1.4426950408889634
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define ROOT_HALF 0.70710678118654752
#define LEAST_NORMAL 0x1p-1022
#define EXP_LOW -746.0
#define EXP_HIGH 710.0
#define EXPM1_LOW -40.0
#define TANH_HIGH 20.0

INLINED real exp_tail(real x)
{
    real p = 2.4999962980694551e-08;
    p = fused(p, x, 2.7630210833367532e-07);
    p = fused(p, x, 2.7557586548639072e-06);
    p = fused(p, x, 2.4801493214283131e-05);
    p = fused(p, x, 0.00019841269506587204);
    p = fused(p, x, 0.001388888894350583);
    p = fused(p, x, 0.008333333333494326);
    p = fused(p, x, 0.041666666666530704);
    p = fused(p, x, 0.16666666666666413);
    p = fused(p, x, 0.50000000000000111);
    return p;
}

INLINED real log_tail(real x)
{
    real p = 0.14793509395828983;
    p = fused(p, x, 0.15314331648554111);
    p = fused(p, x, 0.18183551575873361);
    p = fused(p, x, 0.22222198861319326);
    p = fused(p, x, 0.28571428739023524);
    p = fused(p, x, 0.39999999999433428);
    p = fused(p, x, 0.66666666666667307);
    return p;
}

INLINED real erf_below_1(real x)
{
    real p = -7.7958988270021425e-10;
    p = fused(p, x, 1.3720064546777686e-08);
    p = fused(p, x, -1.6208483801871705e-07);
    p = fused(p, x, 1.6447424703317362e-06);
    p = fused(p, x, -1.4924736907419661e-05);
    p = fused(p, x, 0.00012055294904839707);
    p = fused(p, x, -0.00085483259753896918);
    p = fused(p, x, 0.0052239776071164225);
    p = fused(p, x, -0.02686617064323777);
    p = fused(p, x, 0.11283791670945006);
    p = fused(p, x, -0.37612638903183537);
    p = fused(p, x, 0.12837916709551256);
    return p;
}

INLINED real erfc_factor(real x)
{
    real p = 3.2052623379289157e-10;
    p = fused(p, x, -2.6185201565031449e-09);
    p = fused(p, x, -3.7981897977362073e-09);
    p = fused(p, x, 3.1953986120578182e-08);
    p = fused(p, x, 2.3398534313040898e-08);
    p = fused(p, x, -2.4851108650210706e-07);
    p = fused(p, x, -5.7410760730139158e-08);
    p = fused(p, x, 1.7419011945194367e-06);
    p = fused(p, x, -9.733875167494142e-07);
    p = fused(p, x, -1.1437980374495534e-05);
    p = fused(p, x, 2.2384138525656757e-05);
    p = fused(p, x, 5.164649341002877e-05);
    p = fused(p, x, -0.00029015404203352704);
    p = fused(p, x, 0.00029371439057885597);
    p = fused(p, x, 0.0017556258434318641);
    p = fused(p, x, -0.0097465796859621708);
    p = fused(p, x, 0.028362277420377335);
    p = fused(p, x, -0.058693398576310611);
    p = fused(p, x, 0.09230432116025894);
    p = fused(p, x, -0.10880393014246645);
    p = fused(p, x, 0.08227673849014977);
    p = fused(p, x, 0.0035854154854795752);
    p = fused(p, x, -0.14024059858554702);
    p = fused(p, x, 1.2375126308378275);
    return p;
}

#define real_fabs fabs
#define real_copysign copysign
#define real_sqrt sqrt
#define real_pow pow
#define real_sin sin
#define real_cos cos
#define real_tan tan
#define real_sinh sinh
#define real_cosh cosh
#define real_atan atan
#else
typedef int32_t bits, whole;
typedef uint32_t positive_bits;
enum { MANTISSA = 23, BIAS = 127 };
#define TURN 0x1.8p23f
#define LOG2_E 1.44269504f
#define LN2_HIGH 0.693145752f
#define LN2_LOW 1.42860677e-6f
#define ROOT_HALF 0.707106781f
#define LEAST_NORMAL 0x1p-126f
#define EXP_LOW -104.0f
#define EXP_HIGH 89.0f
#define EXPM1_LOW -20.0f
#define TANH_HIGH 10.0f

INLINED real exp_tail(real x)
{
    real p = 0.00138146349f;
    p = fused(p, x, 0.00836871006f);
    p = fused(p, x, 0.0416683853f);
    p = fused(p, x, 0.166665211f);
    p = fused(p, x, 0.49999994f);
    return p;
}

INLINED real log_tail(real x)
{
    real p = 0.235805303f;
    p = fused(p, x, 0.285374224f);
    p = fused(p, x, 0.400003314f);
    p = fused(p, x, 0.666666627f);
    return p;
}

INLINED real erf_below_1(real x)
{
    real p = 7.87587487e-05f;
    p = fused(p, x, -0.00080168643f);
    p = fused(p, x, 0.00518908724f);
    p = fused(p, x, -0.0268542115f);
    p = fused(p, x, 0.112835944f);
    p = fused(p, x, -0.37612626f);
    p = fused(p, x, 0.128379166f);
    return p;
}

INLINED real erfc_factor(real x)
{
    real p = 2.36348205e-05f;
    p = fused(p, x, -0.000224052055f);
    p = fused(p, x, 0.000325388479f);
    p = fused(p, x, 0.0016757343f);
    p = fused(p, x, -0.00976469088f);
    p = fused(p, x, 0.0284094308f);
    p = fused(p, x, -0.0586882532f);
    p = fused(p, x, 0.092290692f);
    p = fused(p, x, -0.108804569f);
    p = fused(p, x, 0.0822784305f);
    p = fused(p, x, 0.00358543801f);
    p = fused(p, x, -0.140240654f);
    p = fused(p, x, 1.23751259f);
    return p;
}

#define real_fabs fabsf
#define real_copysign copysignf
#define real_sqrt sqrtf
#define real_pow powf
#define real_sin sinf
#define real_cos cosf
#define real_tan tanf
#define real_sinh sinhf
#define real_cosh coshf
#define real_atan atanf
#endif

INLINED real of_bits(bits b)
{
    real x;
    memcpy(&x, &b, sizeof x);
    return x;
}

INLINED bits bits_of(real x)
{
    bits b;
    memcpy(&b, &x, sizeof b);
    return b;
}

/* 2^n, where that is neither too large nor too small. */
INLINED real power_of_2(bits n) { return of_bits((bits)((positive_bits)(n + BIAS) << MANTISSA)); }

/* e^r - 1, where x = n ln 2 + r. */
INLINED real reduced_expm1(real x, bits *n)
{
    const real turned = fused(x, LOG2_E, TURN), whole = turned - TURN;
    *n = (bits)((positive_bits)bits_of(turned) - (positive_bits)bits_of(TURN));
    const real r = fused(-whole, LN2_LOW, fused(-whole, LN2_HIGH, x));
    return fused(r * r, exp_tail(r), r);
}

INLINED real real_exp(real x)
{
    bits n;
    const real some = x < EXP_LOW ? 0 : x > EXP_HIGH ? EXP_HIGH : x;
    const real p = 1 + reduced_expm1(some, &n);
    const bits half = (bits)((positive_bits)(n + 4 * BIAS) >> 1) - 2 * BIAS;
    const real y = p * power_of_2(half) * power_of_2(n - half);
    return x < EXP_LOW ? 0 : y; /* not by underflow, which takes a hundred times as long */
}

INLINED real real_expm1(real x)
{
    bits n;
    x = x < EXPM1_LOW ? EXPM1_LOW : x;
    x = x > EXP_HIGH ? EXP_HIGH : x;
    const real p = reduced_expm1(x, &n), half = power_of_2(n - 1);
    return 2 * fused(half, p, half - (real)0.5);
}

/* y = -t / d with t = e^(-2 |x|) - 1 and d = 2 + t, and a step of Newton's: 1 / d = (1 + y) / 2. */
INLINED real real_tanh(real x)
{
    bits n;
    real a = real_fabs(x);
    a = a > TANH_HIGH ? TANH_HIGH : a;
    const real p = reduced_expm1(-2 * a, &n), scale = power_of_2(n);
    const real t = fused(scale, p, scale - 1), d = 2 + t, y = -t / d;
    const real rest = fused(-y, t - (d - 2), fused(-y, d, -t));
    return real_copysign(fused(rest, fused((real)0.5, y, (real)0.5), y), x);
}

/* log(u) + c for positive u. */
INLINED real log_and(real u, real c)
{
    const real below = u < LEAST_NORMAL ? 54 : 0;
    u = u < LEAST_NORMAL ? u * (real)0x1p54 : u;
    const bits e = (bits)((positive_bits)(bits_of(u) + (bits_of(1) - bits_of(ROOT_HALF))) >> MANTISSA) - BIAS;
    const real k = (of_bits(bits_of(TURN) + e) - TURN) - below;
    const real f = of_bits(bits_of(u) - (bits)((positive_bits)e << MANTISSA)) - 1;
    const real s = f / (2 + f), z = s * s, half = (real)0.5 * f * f;
    return k * LN2_HIGH - ((half - (s * (half + z * log_tail(z)) + (k * LN2_LOW + c))) - f);
}

INLINED real real_log(real x)
{
    const real y = x < INFINITY ? log_and(x, 0) : x;
    return x > 0 ? y : x == 0 ? -INFINITY : NAN;
}

/* log(1 + x) = log(u) + what 1 + x has lost in u, divided by u. */
INLINED real real_log1p(real x)
{
    const real u = 1 + x, lost = x - (u - 1);
    const real y = x < INFINITY ? log_and(u, lost / u) : x;
    return x > -1 ? y : x == -1 ? -INFINITY : NAN;
}

/* erfc(t) for t = sqrt(s) x, 0 <= x <= 60 (Shepherd and Laframboise, Math. Comp. 36, 1981): (1 + 2 t)
   exp(t^2) erfc(t) is nearly a polynomial of (t - 3.75) / (t + 3.75). The square of x to 4 binary
   places is exact, and the rest of x^2 is small. */
INLINED real erfc_above_0(real x, real s)
{
    const real near = ((x * 16 + TURN) - TURN) / 16;
    const real gauss = real_exp(-s * near * near) * real_exp(s * (near - x) * (near + x));
    const real t = real_sqrt(s) * x;
    return gauss * (erfc_factor((t - (real)3.75) / (t + (real)3.75)) / (1 + 2 * t));
}

INLINED real real_erfc(real x, real s)
{
    real a = real_fabs(x);
    a = a > 60 ? 60 : a;
    const real above = erfc_above_0(a, s);
    return x < 0 ? 2 - above : above;
}

INLINED real real_erf(real x)
{
    real a = real_fabs(x);
    a = a > 60 ? 60 : a;
    const real outer = real_copysign(1 - erfc_above_0(a, 1), x);
    const real inner = x + x * erf_below_1(x * x);
    return a <= 1 ? inner : outer;
}

/* ---- Products: BLAS, as the module finds it; loops where they are small, where they are much longer
   than wide, for which BLAS is not made, or where there is none. */

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };
typedef void gemm_of_64_bits(int, int, int, int64_t, int64_t, int64_t, real, const real *, int64_t,
                             const real *, int64_t, real, real *, int64_t);
typedef void gemm_of_32_bits(int, int, int, int, int, int, real, const real *, int, const real *,
                             int, real, real *, int);
static gemm_of_64_bits *gemm_64;
static gemm_of_32_bits *gemm_32;
enum { WORTH_A_CALL = 4096 }; /* multiplications, below which loops are quicker than BLAS */

/* ---- Threads: as many as BLAS would use, by OpenMP; BLAS itself then has one in each of them. */

#ifdef _OPENMP
#define is_shared omp_in_parallel
#else
#define is_shared() 0
#endif
#ifndef WORTH_A_THREAD
#define WORTH_A_THREAD 65536 /* operations, fewer of which are over before another thread begins */
#endif
static int threads = 1;
#ifdef _OPENMP
#pragma omp threadprivate(threads) /* each thread of Python has its own */
#endif

static inline int threads_for(int64_t operations)
{
    const int64_t worth = operations / WORTH_A_THREAD;
    if (threads == 1 || worth < 2 || is_shared()) return 1;
    return worth < threads ? (int)worth : threads;
}

#ifndef FEWEST_ROWS
#define FEWEST_ROWS 8 /* of a batch, fewer of which are not worth a product of their own */
#endif

/* So many that each has rows enough. */
static inline int threads_for_rows(int64_t rows, int64_t operations)
{
    const int64_t most = rows / FEWEST_ROWS, wished = threads_for(operations);
    return wished <= most ? (int)wished : most < 1 ? 1 : (int)most;
}

/* The rows of this thread among those that share them: how many, from `start` on. */
static inline int64_t own_rows(int64_t rows, int64_t *start)
{
#ifdef _OPENMP
    const int64_t all = omp_get_num_threads(), before = omp_get_thread_num();
#else
    const int64_t all = 1, before = 0;
#endif
    *start = rows * before / all;
    return rows * (before + 1) / all - *start;
}

static inline int two_threads(int64_t operations) { return threads_for(operations) > 1 ? 2 : 1; }

/* Entries that are multiplied at once, and how many sums the processor holds. */
#ifdef __AVX512F__
enum { WIDE = 64 / sizeof(real), VECTORS = 4 };
#else
enum { WIDE = 32 / sizeof(real), VECTORS = 2 };
#endif
enum { ROWS = 6, COLUMNS = VECTORS * WIDE, LEFT = 4, RIGHT = VECTORS == 4 ? 6 : 2 };
enum { FEW_ROWS = 16, FEW_SUMS = 8, STRETCH = 4096 };

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static inline void scaled(int64_t n, real beta, real *restrict c)
{
    if (beta == 0)
        for (int64_t j = 0; j < n; j++) c[j] = 0;
    else if (beta != 1)
        for (int64_t j = 0; j < n; j++) c[j] *= beta;
}

/* C = alpha op(A) op(B) + beta C by rows: op(A) is m x k, op(B) k x n. */
static inline void product_by_loops(int ta, int tb, int64_t m, int64_t n, int64_t k, real alpha,
                                    const real *restrict a, int64_t lda, const real *restrict b,
                                    int64_t ldb, real beta, real *restrict c, int64_t ldc)
{
    for (int64_t i = 0; i < m; i++) {
        real *restrict row = c + i * ldc;
        scaled(n, beta, row);
        for (int64_t l = 0; l < k; l++) {
            const real left = alpha * (ta ? a[l * lda + i] : a[i * lda + l]);
            if (tb)
                for (int64_t j = 0; j < n; j++) row[j] += left * b[j * ldb + l];
            else
                for (int64_t j = 0; j < n; j++) row[j] += left * b[l * ldb + j];
        }
    }
}

/* COLUMNS columns of up to ROWS rows of it: A has `down` from row to row, `along` in each of them. */
static void block_of_rows(int64_t m, int64_t k, real alpha, const real *restrict a, int64_t down,
                          int64_t along, const real *restrict b, int64_t ldb, real beta,
                          real *restrict c, int64_t ldc)
{
    real sums[ROWS][VECTORS][WIDE];
    const real *rows[ROWS];
    memset(sums, 0, sizeof sums);
    for (int r = 0; r < ROWS; r++) rows[r] = a + least(r, m - 1) * down;
    for (int64_t l = 0; l < k; l++) {
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; r++) {
            const real left = rows[r][l * along];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
#pragma omp simd
                for (int j = 0; j < WIDE; j++)
                    sums[r][v][j] = fused(left, b[l * ldb + v * WIDE + j], sums[r][v][j]);
            }
        }
    }
    for (int64_t r = 0; r < m; r++) {
        for (int v = 0; v < VECTORS; v++) {
            real *to = c + r * ldc + v * WIDE;
#pragma omp simd
            for (int j = 0; j < WIDE; j++)
                to[j] = alpha * sums[r][v][j] + (beta == 0 ? 0 : beta * to[j]);
        }
    }
}

/* The product with few rows, all of them long. */
static void product_of_few_rows(int ta, int64_t m, int64_t n, int64_t k, real alpha, const real *a,
                                int64_t lda, const real *b, int64_t ldb, real beta, real *c,
                                int64_t ldc)
{
    const int64_t down = ta ? 1 : lda, along = ta ? lda : 1, end = n - n % COLUMNS;
    for (int64_t j = 0; j < end; j += COLUMNS)
        for (int64_t i = 0; i < m; i += ROWS)
            block_of_rows(least(m - i, ROWS), k, alpha, a + i * down, down, along, b + j, ldb, beta,
                          c + i * ldc + j, ldc);
    product_by_loops(ta, 0, m, n - end, k, alpha, a, lda, b + end, ldb, beta, c + end, ldc);
}

/* Up to LEFT by RIGHT entries of alpha A B^T + beta C: sums of k products. */
static void block_of_sums(int64_t m, int64_t n, int64_t k, real alpha, const real *restrict a,
                          int64_t lda, const real *restrict b, int64_t ldb, real beta,
                          real *restrict c, int64_t ldc)
{
    real sums[LEFT][RIGHT][WIDE];
    const real *left[LEFT], *right[RIGHT];
    memset(sums, 0, sizeof sums);
    for (int r = 0; r < LEFT; r++) left[r] = a + least(r, m - 1) * lda;
    for (int s = 0; s < RIGHT; s++) right[s] = b + least(s, n - 1) * ldb;
    const int64_t end = k - k % WIDE;
    for (int64_t l = 0; l < end; l += WIDE) {
#pragma GCC unroll 4
        for (int r = 0; r < LEFT; r++) {
#pragma GCC unroll 6
            for (int s = 0; s < RIGHT; s++) {
#pragma omp simd
                for (int j = 0; j < WIDE; j++)
                    sums[r][s][j] = fused(left[r][l + j], right[s][l + j], sums[r][s][j]);
            }
        }
    }
    for (int64_t r = 0; r < m; r++) {
        for (int64_t s = 0; s < n; s++) {
            real sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int j = 0; j < WIDE; j++) sum += sums[r][s][j];
            for (int64_t l = end; l < k; l++) sum += left[r][l] * right[s][l];
            real *to = c + r * ldc + s;
            *to = alpha * sum + (beta == 0 ? 0 : beta * *to);
        }
    }
}

/* The product A B^T with few entries, all of them long sums. */
static void product_of_long_sums(int64_t m, int64_t n, int64_t k, real alpha, const real *a,
                                 int64_t lda, const real *b, int64_t ldb, real beta, real *c,
                                 int64_t ldc)
{
    for (int64_t l = 0; l < k; l += STRETCH)
        for (int64_t i = 0; i < m; i += LEFT)
            for (int64_t j = 0; j < n; j += RIGHT)
                block_of_sums(least(m - i, LEFT), least(n - j, RIGHT), least(k - l, STRETCH), alpha,
                              a + i * lda + l, lda, b + j * ldb + l, ldb, l > 0 ? 1 : beta,
                              c + i * ldc + j, ldc);
}

static void product_by_one(int ta, int tb, int64_t m, int64_t n, int64_t k, real alpha,
                           const real *a, int64_t lda, const real *b, int64_t ldb, real beta,
                           real *c, int64_t ldc)
{
    const int left = ta ? TRANSPOSED : AS_IT_IS, right = tb ? TRANSPOSED : AS_IT_IS;
    if (m * n * k < WORTH_A_CALL)
        product_by_loops(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    else if (!tb && m <= FEW_ROWS && n >= 4 * COLUMNS && k <= 16 * COLUMNS)
        product_of_few_rows(ta, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    else if (!ta && tb && least(m, n) <= FEW_SUMS && k >= 16 * COLUMNS)
        product_of_long_sums(m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    else if (gemm_64)
        gemm_64(ROW_MAJOR, left, right, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    else if (gemm_32)
        gemm_32(ROW_MAJOR, left, right, (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb,
                beta, c, (int)ldc);
    else
        product_by_loops(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* C = alpha op(A) op(B) + beta C, its rows or its columns shared among threads. */
static void product(int ta, int tb, int64_t m, int64_t n, int64_t k, real alpha, const real *a,
                    int64_t lda, const real *b, int64_t ldb, real beta, real *c, int64_t ldc)
{
    const int parts = threads_for(m * n * k / 8);
    if (parts == 1) {
        product_by_one(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
        return;
    }
    const int64_t length = m < n ? n : m, stretch = (int64_t)parts * WIDE;
    const int64_t each = (length + stretch - 1) / stretch * WIDE; /* WIDE or more, however short */
#pragma omp parallel for num_threads(parts)
    for (int64_t start = 0; start < length; start += each) {
        const int64_t count = least(each, length - start);
        if (m < n)
            product_by_one(ta, tb, m, count, k, alpha, a, lda, b + start * (tb ? ldb : 1), ldb,
                           beta, c + start, ldc);
        else
            product_by_one(ta, tb, count, n, k, alpha, a + start * (ta ? 1 : lda), lda, b, ldb,
                           beta, c + start * ldc, ldc);
    }
}

/* ---- The equations. */

static double forward_in_training(
        char *const *at, const int64_t *extents, const double *numbers)
{
    const int64_t N = extents[0];
    const real *restrict x = (const real *)at[4];
    const real *restrict W1 = (const real *)at[0];
    const real *restrict b1 = (const real *)at[1];
    const real *restrict W2 = (const real *)at[2];
    const real *restrict b2 = (const real *)at[3];
    real *restrict p = (real *)at[8];

    for (int64_t n = 0; n < N; n++) {
        real z2_i = 0;
        for (int64_t k = 0; k < 2; k++) {
            // (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
            real z1_i = 0;
            for (int64_t i = 0; i < 2; i++) {
                z1_i += x[2 * n + i] * W1[k + 2 * i];
            }
            z1_i = z1_i + b1[k];
            // (2) h[n, j] = sigmoid(z1[n, j])
            real h_i = -z1_i;
            h_i = real_exp(h_i);
            h_i = h_i + 1;
            h_i = 1 / h_i;
            // (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
            z2_i += h_i * W2[k];
        }
        z2_i = z2_i + b2[0];
        // (4) p[n, j] = sigmoid(z2[n, j])
        real p_i = -z2_i;
        p_i = real_exp(p_i);
        p_i = p_i + 1;
        p[n] = 1 / p_i;
    }
    return 0;
}

static double loss_in_training(
        char *const *at, const int64_t *extents, const double *numbers)
{
    const int64_t N = extents[0];
    const real *restrict x = (const real *)at[4];
    const real *restrict W1 = (const real *)at[0];
    const real *restrict b1 = (const real *)at[1];
    const real *restrict W2 = (const real *)at[2];
    const real *restrict b2 = (const real *)at[3];
    const real *restrict y = (const real *)at[5];

    double product_5 = 0;
    for (int64_t n = 0; n < N; n++) {
        real z2_i = 0;
        for (int64_t k = 0; k < 2; k++) {
            // (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
            real z1_i = 0;
            for (int64_t i = 0; i < 2; i++) {
                z1_i += x[2 * n + i] * W1[k + 2 * i];
            }
            z1_i = z1_i + b1[k];
            // (2) h[n, j] = sigmoid(z1[n, j])
            real h_i = -z1_i;
            h_i = real_exp(h_i);
            h_i = h_i + 1;
            h_i = 1 / h_i;
            // (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
            z2_i += h_i * W2[k];
        }
        z2_i = z2_i + b2[0];
        // (4) p[n, j] = sigmoid(z2[n, j])
        real p_i = -z2_i;
        p_i = real_exp(p_i);
        p_i = p_i + 1;
        p_i = 1 / p_i;
        // (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
        real subtract_5_i = p_i - y[n];
        product_5 += subtract_5_i * subtract_5_i;
    }
    const double loss = product_5 / ((double)N);
    return loss;
}

static double loss_and_grads_in_training(
        char *const *at, const int64_t *extents, const double *numbers)
{
    const int64_t N = extents[0];
    real *restrict dW2 = (real *)at[11];
    real *restrict dW1 = (real *)at[15];
    real *restrict db1 = (real *)at[16];
    const real *restrict x = (const real *)at[4];
    const real *restrict W1 = (const real *)at[0];
    const real *restrict b1 = (const real *)at[1];
    real *restrict h = (real *)at[7];
    const real *restrict W2 = (const real *)at[2];
    const real *restrict b2 = (const real *)at[3];
    const real *restrict y = (const real *)at[5];
    real *restrict dz1 = (real *)at[14];
    real *restrict db2 = (real *)at[12];

    double product_5 = 0;
    for (int64_t i = 0; i < 2; i++) {
        dW2[i] = 0;
    }
    real db2_i = 0;
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 2; j++) {
            dW1[2 * i + j] = 0;
        }
    }
    for (int64_t i = 0; i < 2; i++) {
        db1[i] = 0;
    }
    for (int64_t n = 0; n < N; n++) {
        real z2_i = 0;
        for (int64_t k = 0; k < 2; k++) {
            // (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
            real z1_i = 0;
            for (int64_t i = 0; i < 2; i++) {
                z1_i += x[2 * n + i] * W1[k + 2 * i];
            }
            z1_i = z1_i + b1[k];
            // (2) h[n, j] = sigmoid(z1[n, j])
            real h_i = -z1_i;
            h_i = real_exp(h_i);
            h_i = h_i + 1;
            h_i = 1 / h_i;
            h[2 * n + k] = h_i;
            // (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
            z2_i += h_i * W2[k];
        }
        z2_i = z2_i + b2[0];
        // (4) p[n, j] = sigmoid(z2[n, j])
        real p_i = -z2_i;
        p_i = real_exp(p_i);
        p_i = p_i + 1;
        p_i = 1 / p_i;
        // (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
        real subtract_5_i = p_i - y[n];
        product_5 += subtract_5_i * subtract_5_i;
        // (6) dp[n, i] = 2 * (p[n, i] - y[n, i]) / N
        real dp_i = subtract_5_i * (real)(2.0 / (double)N);
        // (7) dz2[n, j] = (1 - p[n, j]) * dp[n, j] * p[n, j]
        real dz2_i = 1 - p_i;
        dz2_i = dp_i * dz2_i;
        dz2_i = p_i * dz2_i;
        for (int64_t k = 0; k < 2; k++) {
            // (8) dW2[i, j] = sum[n](dz2[n, j] * h[n, i])
            dW2[k] += h[2 * n + k] * dz2_i;
            // (10) dh[n, i] = sum[j](W2[i, j] * dz2[n, j])
            real dh_i = dz2_i * W2[k];
            // (11) dz1[n, j] = (1 - h[n, j]) * dh[n, j] * h[n, j]
            real dz1_i = 1 - h[2 * n + k];
            dz1_i = dh_i * dz1_i;
            dz1[2 * n + k] = h[2 * n + k] * dz1_i;
        }
        // (9) db2[j] = sum[n](dz2[n, j])
        db2_i += dz2_i;
        for (int64_t j = 0; j < 2; j++) {
            // (12) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
            for (int64_t i = 0; i < 2; i++) {
                dW1[2 * j + i] += x[2 * n + j] * dz1[2 * n + i];
            }
            // (13) db1[j] = sum[n](dz1[n, j])
            db1[j] += dz1[2 * n + j];
        }
    }
    db2[0] = db2_i;
    // (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
    const double loss = product_5 / ((double)N);
    return loss;
}

static double sgd_step_in_training(
        char *const *at, const int64_t *extents, const double *numbers)
{
    const int64_t N = extents[0];
    const double rate = numbers[0];
    real *restrict dW2 = (real *)at[11];
    real *restrict dW1 = (real *)at[15];
    real *restrict db1 = (real *)at[16];
    const real *restrict x = (const real *)at[4];
    real *restrict W1 = (real *)at[0];
    real *restrict b1 = (real *)at[1];
    real *restrict h = (real *)at[7];
    real *restrict W2 = (real *)at[2];
    real *restrict b2 = (real *)at[3];
    const real *restrict y = (const real *)at[5];
    real *restrict dz1 = (real *)at[14];

    // (6) dp[n, i] = 2 * (p[n, i] - y[n, i]) / N
    const double multiply_6 = rate * (2.0 / (double)N);
    double product_5 = 0;
    for (int64_t i = 0; i < 2; i++) {
        dW2[i] = 0;
    }
    real db2_i = 0;
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 2; j++) {
            dW1[2 * i + j] = 0;
        }
    }
    for (int64_t i = 0; i < 2; i++) {
        db1[i] = 0;
    }
    for (int64_t n = 0; n < N; n++) {
        real z2_i = 0;
        for (int64_t k = 0; k < 2; k++) {
            // (1) z1[n, j] = b1[j] + sum[i](W1[i, j] * x[n, i])
            real z1_i = 0;
            for (int64_t i = 0; i < 2; i++) {
                z1_i += x[2 * n + i] * W1[k + 2 * i];
            }
            z1_i = z1_i + b1[k];
            // (2) h[n, j] = sigmoid(z1[n, j])
            real h_i = -z1_i;
            h_i = real_exp(h_i);
            h_i = h_i + 1;
            h_i = 1 / h_i;
            h[2 * n + k] = h_i;
            // (3) z2[n, j] = b2[j] + sum[i](W2[i, j] * h[n, i])
            z2_i += h_i * W2[k];
        }
        z2_i = z2_i + b2[0];
        // (4) p[n, j] = sigmoid(z2[n, j])
        real p_i = -z2_i;
        p_i = real_exp(p_i);
        p_i = p_i + 1;
        p_i = 1 / p_i;
        // (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
        real subtract_5_i = p_i - y[n];
        product_5 += subtract_5_i * subtract_5_i;
        // (6) dp[n, i] = 2 * (p[n, i] - y[n, i]) / N
        real dp_i = (real)multiply_6 * subtract_5_i;
        // (7) dz2[n, j] = (1 - p[n, j]) * dp[n, j] * p[n, j]
        real dz2_i = 1 - p_i;
        dz2_i = dp_i * dz2_i;
        dz2_i = p_i * dz2_i;
        for (int64_t k = 0; k < 2; k++) {
            // (8) dW2[i, j] = sum[n](dz2[n, j] * h[n, i])
            dW2[k] += h[2 * n + k] * dz2_i;
            // (10) dh[n, i] = sum[j](W2[i, j] * dz2[n, j])
            real dh_i = dz2_i * W2[k];
            // (11) dz1[n, j] = (1 - h[n, j]) * dh[n, j] * h[n, j]
            real dz1_i = 1 - h[2 * n + k];
            dz1_i = dh_i * dz1_i;
            dz1[2 * n + k] = h[2 * n + k] * dz1_i;
        }
        // (9) db2[j] = sum[n](dz2[n, j])
        db2_i += dz2_i;
        for (int64_t j = 0; j < 2; j++) {
            // (12) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
            for (int64_t i = 0; i < 2; i++) {
                dW1[2 * j + i] += x[2 * n + j] * dz1[2 * n + i];
            }
            // (13) db1[j] = sum[n](dz1[n, j])
            db1[j] += dz1[2 * n + j];
        }
    }
    // (5) loss = sum[n, i]((p[n, i] - y[n, i])**2) / N
    const double loss = product_5 / ((double)N);
    // (9) db2[j] = sum[n](dz2[n, j])
    b2[0] = b2[0] - db2_i;
    for (int64_t k = 0; k < 2; k++) {
        // (8) dW2[i, j] = sum[n](dz2[n, j] * h[n, i])
        W2[k] = W2[k] - dW2[k];
        // (12) dW1[i, j] = sum[n](dz1[n, j] * x[n, i])
        for (int64_t l = 0; l < 2; l++) {
            W1[2 * k + l] = W1[2 * k + l] - dW1[2 * k + l];
        }
        // (13) db1[j] = sum[n](dz1[n, j])
        b1[k] = b1[k] - db1[k];
    }
    return loss;
}

/* ---- The way in from Python.

   Only what Python's stable ABI (PEP 384) promises is used, and declared here, since the headers are
   seldom installed; of an array, the fields that NumPy's ABI keeps (PyArrayObject_fields), which
   `open_library` first holds against an array that it is shown. Whatever is not exactly as expected
   is declined with None: the module then looks closer. While loops run that take long, other threads
   of Python run too, where there is OpenMP; they may not use the same workspace meanwhile. */

typedef struct object {
    ptrdiff_t references;
    struct object *type;
} object;
typedef struct {
    object head;
    char *memory;
    int rank;
    ptrdiff_t *extents, *strides;
    object *base, *dtype;
    int flags;
} array;
typedef object *function(object *self, object *const *arguments, ptrdiff_t count);
typedef struct {
    const char *name;
    function *call;
    int flags;
    const char *doc;
} method;
enum { FAST_CALL = 0x80, C_CONTIGUOUS = 0x1, ALIGNED = 0x100, WRITEABLE = 0x400 };

extern object _Py_NoneStruct, PyDict_Type, PyFloat_Type, *PyExc_RuntimeError;
extern void Py_IncRef(object *), Py_DecRef(object *), PyErr_Clear(void);
extern void PyErr_SetString(object *, const char *);
extern void *PyEval_SaveThread(void);
extern void PyEval_RestoreThread(void *);
extern object *PyErr_NoMemory(void), *PyFloat_FromDouble(double);
extern double PyFloat_AsDouble(object *);
extern object *PyDict_GetItemWithError(object *, object *);
extern ptrdiff_t PyDict_Size(object *), PyTuple_Size(object *);
extern object *PyTuple_New(ptrdiff_t), *PyTuple_GetItem(object *, ptrdiff_t);
extern int PyTuple_SetItem(object *, ptrdiff_t, object *);
extern object *PyCapsule_New(void *, const char *, void (*)(object *));
extern void *PyCapsule_GetPointer(object *, const char *);
extern object *PyCFunction_NewEx(method *, object *, object *);

enum { PARAMETER, INPUT, STATE, OWN };
enum { REAL_ENTRIES, POSITIONS, TRUTHS };
enum { SLOTS = 17, PARAMETERS = 4, EXTENTS = 1, AXES = 10 };

/* What stands where in the table of pointers. */
static const struct {
    unsigned char source, kind, rank;
    int axes; /* where its extents begin in the list of all extents */
} SLOT[SLOTS + 1] = {
    {PARAMETER, REAL_ENTRIES, 2, 0}, /* 0 W1 */
    {PARAMETER, REAL_ENTRIES, 1, 2}, /* 1 b1 */
    {PARAMETER, REAL_ENTRIES, 2, 3}, /* 2 W2 */
    {PARAMETER, REAL_ENTRIES, 1, 5}, /* 3 b2 */
    {INPUT, REAL_ENTRIES, 2, 6}, /* 4 x */
    {INPUT, REAL_ENTRIES, 2, 8}, /* 5 y */
    {OWN, REAL_ENTRIES, 1, 10}, /* 6 ones_N */
    {OWN, REAL_ENTRIES, 2, 10}, /* 7 z1 */
    {OWN, REAL_ENTRIES, 2, 10}, /* 8 z2 */
    {OWN, REAL_ENTRIES, 2, 10}, /* 9 subtract_5 */
    {OWN, REAL_ENTRIES, 2, 10}, /* 10 dz2 */
    {OWN, REAL_ENTRIES, 2, 10}, /* 11 dW2 */
    {OWN, REAL_ENTRIES, 1, 10}, /* 12 db2 */
    {OWN, REAL_ENTRIES, 2, 10}, /* 13 dh */
    {OWN, REAL_ENTRIES, 2, 10}, /* 14 dz1 */
    {OWN, REAL_ENTRIES, 2, 10}, /* 15 dW1 */
    {OWN, REAL_ENTRIES, 1, 10}, /* 16 db1 */
};

/* A workspace: its own memory, and its place for what is handed in. */
typedef struct {
    char *at[SLOTS + 1];
    int64_t extents[EXTENTS + 1];
    ptrdiff_t axes[AXES + 1];
    int64_t classes[SLOTS + 1]; /* below which the entries of an integer input must be */
    object *given[SLOTS + 1]; /* whose memory that is */
    object *arrays;
    int is_large;
    int busy_in; /* the process in which a thread computes with it, or 0 */
} workspace;
enum { LARGE = 16384 }; /* entries of a workspace, from which steps take longer than letting go */

/* Set once, when the library is opened. */
static object *array_type, *dtypes[3], *names;

static object *decline(void)
{
    Py_IncRef(&_Py_NoneStruct);
    return &_Py_NoneStruct;
}

static void extents_of_slots(const int64_t *extents, ptrdiff_t *axes, int64_t *classes)
{
    axes[0] = 2;
    axes[1] = 2;
    axes[2] = 2;
    axes[3] = 2;
    axes[4] = 1;
    axes[5] = 1;
    axes[6] = extents[0];
    axes[7] = 2;
    axes[8] = extents[0];
    axes[9] = 1;
    (void)extents, (void)axes, (void)classes;
}

static int are_below(const int64_t *positions, int64_t count, int64_t classes)
{
    int outside = 0;
    for (int64_t i = 0; i < count; i++) outside |= (uint64_t)positions[i] >= (uint64_t)classes;
    return !outside;
}

/* Put the memory of what was handed in into the table; 0 if it is not as expected. */
static int take(workspace *w, int slot, object *given, int written)
{
    const int rank = SLOT[slot].rank, kind = SLOT[slot].kind;
    if (given == NULL) return 0;
    w->given[slot] = given;
    const array *a = (const array *)given;
    const int flags = C_CONTIGUOUS | ALIGNED | (written ? WRITEABLE : 0);
    if (given->type != array_type || a->dtype != dtypes[kind] || a->rank != rank) return 0;
    if ((a->flags & flags) != flags) return 0;
    ptrdiff_t count = 1;
    for (int axis = 0; axis < rank; axis++) {
        if (a->extents[axis] != w->axes[SLOT[slot].axes + axis]) return 0;
        count *= a->extents[axis];
    }
    if (w->classes[slot] && !are_below((const int64_t *)a->memory, count, w->classes[slot]))
        return 0;
    w->at[slot] = a->memory;
    return 1;
}

/* Whether some array that is written over is handed in twice. */
static int share_memory(const workspace *w, const short *reads, int count)
{
    for (int k = 0; k < count; k++)
        for (int j = 0; j < count && SLOT[reads[k]].source == PARAMETER; j++)
            if (j != k && w->at[reads[j]] == w->at[reads[k]]) return 1;
    return 0;
}

typedef double body(char *const *at, const int64_t *extents, const double *numbers);
typedef struct {
    body *computes;
    int count; /* of the slots that it reads */
    ptrdiff_t arguments;
    const short *reads; /* inputs in the order of the arguments */
    int writes_parameters, writes_states, has_rate;
} signature;

static const char IS_WORKSPACE[] = "symbackprop workspace";

/* How many threads BLAS has, and how it is told; NULL where there is no way. */
static int (*threads_of_blas)(void);
static void (*set_threads_of_blas)(int);
static int may_share = 1;

#ifdef _OPENMP
/* Steps hold it while they run without the interpreter's lock; a process forks between them. */
static pthread_rwlock_t running = PTHREAD_RWLOCK_INITIALIZER;

/* Threads stay with the parent. The one that forks ends those that OpenMP made for it: a library that
   is opened in the child shares loops, and would wait for them. */
static void before_fork(void)
{
    pthread_rwlock_wrlock(&running);
#if defined __clang__ || __GNUC__ >= 9
    omp_pause_resource_all(omp_pause_soft);
#endif
}

static void forked_in_parent(void) { pthread_rwlock_unlock(&running); }

static int processes = 1; /* from the one that opened the library to this one */

static void forked_in_child(void)
{
    pthread_rwlock_init(&running, NULL);
    may_share = 0;
    processes++; /* whose thread in a workspace is none of this process */
}
#endif

/* A step with the threads of BLAS, which gets them back. */
static double computed(body *computes, const workspace *w, const double *numbers)
{
    const int of_blas = may_share && threads_of_blas ? threads_of_blas() : 1;
    threads = of_blas;
    if (of_blas == 1) return computes(w->at, w->extents, numbers);
    set_threads_of_blas(1);
    const double found = computes(w->at, w->extents, numbers);
    set_threads_of_blas(of_blas);
    return found;
}

/* The same without the interpreter's lock: what was handed in is kept alive, and the workspace. */
static double computed_aside(workspace *w, const signature *s, const double *numbers)
{
#ifdef _OPENMP
    object *given[SLOTS + 1];
    for (int k = 0; k < s->count; k++) Py_IncRef(given[k] = w->given[s->reads[k]]);
    w->busy_in = processes;
    void *interpreter = PyEval_SaveThread();
    pthread_rwlock_rdlock(&running);
    const double found = computed(s->computes, w, numbers);
    pthread_rwlock_unlock(&running);
    PyEval_RestoreThread(interpreter);
    w->busy_in = 0;
    for (int k = 0; k < s->count; k++) Py_DecRef(given[k]);
    return found;
#else
    return computed(s->computes, w, numbers);
#endif
}

static int is_busy(const workspace *w)
{
#ifdef _OPENMP
    return w->busy_in == processes;
#else
    (void)w;
    return 0;
#endif
}

/* Arguments: the parameters, then inputs one by one, the states if it reads any, the rate. */
static object *enter(object *self, object *const *arguments, ptrdiff_t count, const signature *s)
{
    workspace *w = PyCapsule_GetPointer(self, IS_WORKSPACE);
    object *params = arguments[0];
    ptrdiff_t argument = 1;
    double numbers[1] = {0};
    if (is_busy(w)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "workspace: another thread computes with it: make one for each thread");
        return NULL;
    }
    if (count != s->arguments) return decline();
    if (params->type != &PyDict_Type || PyDict_Size(params) != PARAMETERS) return decline();
    if (s->has_rate) {
        if (arguments[--count]->type != &PyFloat_Type) return decline();
        numbers[0] = PyFloat_AsDouble(arguments[count]);
        if (!isfinite(numbers[0])) return decline();
    }
    for (int k = 0; k < s->count; k++) {
        const int slot = s->reads[k], source = SLOT[slot].source;
        object *given, *from = params;
        if (source == INPUT) {
            given = arguments[argument++];
        } else {
            if (source == STATE) from = arguments[count - 1];
            if (from->type != &PyDict_Type) return decline();
            given = PyDict_GetItemWithError(from, PyTuple_GetItem(names, slot));
        }
        const int written = (source == PARAMETER && s->writes_parameters) ||
                            (source == STATE && s->writes_states);
        if (!take(w, slot, given, written)) {
            PyErr_Clear();
            return decline();
        }
    }
    if (s->writes_parameters && share_memory(w, s->reads, s->count)) return decline();
    return PyFloat_FromDouble(w->is_large ? computed_aside(w, s, numbers)
                                          : computed(s->computes, w, numbers));
}

static object *enter_forward_in_training(object *self, object *const *arguments, ptrdiff_t count)
{
    static const short reads[] = {0, 1, 2, 3, 4, -1};
    static const signature s = {forward_in_training, 5, 2, reads, 0, 0, 0};
    return enter(self, arguments, count, &s);
}

static object *enter_loss_in_training(object *self, object *const *arguments, ptrdiff_t count)
{
    static const short reads[] = {0, 1, 2, 3, 4, 5, -1};
    static const signature s = {loss_in_training, 6, 3, reads, 0, 0, 0};
    return enter(self, arguments, count, &s);
}

static object *enter_loss_and_grads_in_training(object *self, object *const *arguments, ptrdiff_t count)
{
    static const short reads[] = {0, 1, 2, 3, 4, 5, -1};
    static const signature s = {loss_and_grads_in_training, 6, 3, reads, 0, 0, 0};
    return enter(self, arguments, count, &s);
}

static object *enter_sgd_step_in_training(object *self, object *const *arguments, ptrdiff_t count)
{
    static const short reads[] = {0, 1, 2, 3, 4, 5, -1};
    static const signature s = {sgd_step_in_training, 6, 4, reads, 1, 0, 1};
    return enter(self, arguments, count, &s);
}

static method ENTRIES[] = {
    {"forward_in_training", enter_forward_in_training, FAST_CALL, NULL},
    {"loss_in_training", enter_loss_in_training, FAST_CALL, NULL},
    {"loss_and_grads_in_training", enter_loss_and_grads_in_training, FAST_CALL, NULL},
    {"sgd_step_in_training", enter_sgd_step_in_training, FAST_CALL, NULL},
};
enum { FUNCTIONS = sizeof ENTRIES / sizeof *ENTRIES };

static void let_go(object *capsule)
{
    workspace *w = PyCapsule_GetPointer(capsule, IS_WORKSPACE);
    Py_DecRef(w->arrays);
    free(w);
}

/* The functions on the memory of a workspace: its arrays, in the order of the table. */
object *bind_workspace(object *arrays, const int64_t *extents)
{
    workspace *w = calloc(1, sizeof *w);
    if (w == NULL) return PyErr_NoMemory();
    for (int k = 0; k < EXTENTS; k++) w->extents[k] = extents[k];
    extents_of_slots(w->extents, w->axes, w->classes);
    int64_t entries = 0;
    for (int slot = 0, own = 0; slot < SLOTS; slot++) {
        if (SLOT[slot].source != OWN) continue;
        const array *a = (const array *)PyTuple_GetItem(arrays, own++);
        w->at[slot] = a->memory;
        int64_t count = 1;
        for (int axis = 0; axis < a->rank; axis++) count *= a->extents[axis];
        entries += count;
    }
    w->is_large = entries >= LARGE;
    Py_IncRef(arrays);
    w->arrays = arrays;
    object *capsule = PyCapsule_New(w, IS_WORKSPACE, let_go);
    object *functions = PyTuple_New(FUNCTIONS);
    for (int k = 0; k < FUNCTIONS; k++)
        PyTuple_SetItem(functions, k, PyCFunction_NewEx(&ENTRIES[k], capsule, NULL));
    Py_DecRef(capsule);
    return functions;
}

/* Learn the types, the names of all slots and the addresses of gemm and of BLAS's number of threads; 0 if arrays look otherwise.

   `shown` is a 2 x 3 array of REAL, whose memory starts at `memory`. */
int open_library(object *shown, char *memory, object *types, object *slot_names, void *gemm,
                 int is_wide, void *threads_of, void *set_threads)
{
    const array *a = (const array *)shown;
    if (PyTuple_Size(types) != 4 || shown->type != PyTuple_GetItem(types, 0)) return 0;
    if (a->memory != memory || a->rank != 2 || a->extents[0] != 2 || a->extents[1] != 3) return 0;
    if (a->strides[1] != sizeof(real) || a->dtype != PyTuple_GetItem(types, 1)) return 0;
    const int flags = C_CONTIGUOUS | ALIGNED | WRITEABLE;
    if ((a->flags & flags) != flags) return 0;
    Py_IncRef(types), Py_IncRef(slot_names);
    array_type = PyTuple_GetItem(types, 0);
    for (int kind = 0; kind < 3; kind++) dtypes[kind] = PyTuple_GetItem(types, 1 + kind);
    names = slot_names;
    if (is_wide)
        gemm_64 = (gemm_of_64_bits *)gemm;
    else
        gemm_32 = (gemm_of_32_bits *)gemm;
#ifdef _OPENMP
    threads_of_blas = (int (*)(void))threads_of;
    set_threads_of_blas = (void (*)(int))set_threads;
    pthread_atfork(before_fork, forked_in_parent, forked_in_child);
#else
    (void)threads_of, (void)set_threads, (void)may_share;
#endif
    return 1;
}
