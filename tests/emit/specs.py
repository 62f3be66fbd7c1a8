"""Specs that together use every operation, and the names and texts that are hard to lay out."""

LONG = "a" * 60

SPECS = {
    "digits": """
        name: digits
        inputs: {x: [N, 13], y: {shape: [N], classes: 7}}
        network: |
          h1 = relu(dense(x, 5))
          h2 = relu(dense(h1, 5))
          p = softmax(dense(h2, 7))
        loss: cross_entropy(p, y) + l2(1e-4)
    """,
    "attention": """
        name: attention
        inputs: {x: [N, T, 8], y: [N, T, 8]}
        params:
          Wq: {shape: [8, 2, 4]}
          Wk: {shape: [8, 2, 4]}
          Wv: {shape: [8, 2, 4]}
          Wo: {shape: [2, 4, 8]}
        network: |
          q[n, t, h, d] = sum[i](x[n, t, i] * Wq[i, h, d])
          k[n, t, h, d] = sum[i](x[n, t, i] * Wk[i, h, d])
          v[n, t, h, d] = sum[i](x[n, t, i] * Wv[i, h, d])
          s[n, h, t, u] = sum[d](q[n, t, h, d] * k[n, u, h, d]) / sqrt(4)
          p[n, h, t, u] = exp(s[n, h, t, u] - logsumexp[w](s[n, h, t, w]))
          o[n, t, h, d] = sum[u](p[n, h, t, u] * v[n, u, h, d])
          z[n, t, j] = sum[h, d](o[n, t, h, d] * Wo[h, d, j])
        loss: mse(z, y)
    """,
    "recurrent": """
        name: recurrent
        inputs: {x: [N, T, 5], y: {shape: [N, T], classes: 7}, s0: [N, 3], w: [T]}
        params: {A: {shape: [3, 3]}, r: {shape: []}}
        network: |
          f = lstm(x, 4)
          b = gru(f, 2, reverse=True, steps=3)
          z = dense(concat(f, b), 7)
          q = dense(f, 3)
          s[n, -1, i] = s0[n, i]
          u[n, t, i] = where(t > 2, s[n, t - 1, i] * q[n, t, i], r)
          s[n, t, i] = max[k](A[k, i] + s[n, t - 1, k]) / 2 + u[n, t, i]
          e[t] = r * e[t - 1] + r * e[t - 2] + w[t]
        loss: cross_entropy(softmax(z), y) + mean(s**2) + mean(e**2)
        outputs: [s, e]
    """,
    "misc": """
        name: misc
        inputs:
          x: [N, 6]
          ids: {shape: [N], classes: 11}
          y: [N, 3]
          m: {shape: [N, 6], kind: mask}
        network: |
          e = embedding(ids, 4)
          c = concat(x, e, axis=-1)
          r = reshape(c, -1, 2, 5)
          h = leaky_relu(dense(flatten(r), 7))
          g = elu(dense(h, 7)) + silu(h) + mish(h) + gelu(h)
          top[n] = max[i](x[n, i])
          z = dense(g, 3)
          out[n, j] = z[n, j] * top[n] + sum[i](where(m[n, i], x[n, i]**3, 0))
        loss: huber(out, y) + l1(0.01)
    """,
    "two_losses": """
        name: two_losses
        inputs: {x: [N, 3], z: [N, 2]}
        params: {a: {shape: [2, 3]}, b: {shape: [3]}, c: {shape: []}}
        network: |
          fake = z @ a
          real_score = x @ b + c
          fake_score = fake @ b + c
        losses:
          critic: {value: mean(softplus(fake_score)) + mean(softplus(-real_score)), wrt: [b, c]}
          maker: {value: mean(softplus(-fake_score)), wrt: [a]}
        outputs: [fake]
    """,
    "no_parameters": """
        name: no_parameters
        inputs: {x: [N, 3]}
        loss: sum(gelu(x))
        wrt: [x]
    """,
    "long": f"""
        name: long
        title: 'quotes \"\"\" and \\n backslash \\ and " at the end "'
        notes: "ends with a quote \\" and \\u202e bidi and \\x07 bell"
        inputs:
          {LONG}x: [{LONG}N, {LONG}M, 5]
          {LONG}y: {{shape: [{LONG}N], classes: 3}}
          {LONG}m: {{shape: [{LONG}N, {LONG}M], kind: mask}}
        params:
          {LONG}s: {{shape: []}}
          {LONG}v: {{shape: [3], init: [0.1, 0.25, 0.5]}}
          {LONG}w: {{shape: [2, 3], init: [[0.123456789, 0.123456789, 0.1], [0.2, 0.3, 0.4]]}}
        network: |
          h = {LONG}s * mean(where({LONG}m, sum({LONG}x, axis=-1), 0), axis=1)
          z[n, k] = h[n] * {LONG}v[k] + {LONG}w[1, k] * {LONG}x[n, 0, 2]
        loss: cross_entropy(softmax(z), {LONG}y) + l2(0.1)
    """,
}
