;; The product of two matrices, C = A B, for `product` in tensors.js. build.mjs assembles this file.
;;
;; A has `rows` rows and `inner` columns, B has `inner` rows and `columns` columns. All three are
;; row-major, in single precision, in one memory. Sixteen columns are computed at once: an instruction
;; takes four numbers, and `$sum0` to `$sum3` are the sums of four columns each:
;;
;;     for each sixteen columns, from the last ones to the first
;;       for each row of A, from the first to the last
;;         sums = 0
;;         for each k: sums += A[row, k] * B[k, column ... column + 15]
;;         C[row, column ... column + 15] = sums
;;
;; If `columns` is not a multiple of 16, the last sixteen go beyond the end of a row. What is written
;; there belongs to the next rows, whose own numbers are written later: hence the order of the loops.
;; After the last row, 60 bytes may be read and written that belong to nobody.
;;
;; Each sum starts with k = 0 and is rounded after each product and each addition. So every machine
;; gives the same bits, and so does JavaScript with Math.fround.
(module
  (memory (export "memory") 1)

  (func (export "product")
    (param $a i32) (param $b i32) (param $c i32) ;; the addresses of A, B and C
    (param $rows i32) (param $inner i32) (param $columns i32) ;; each at least 1
    (local $a_row i32) ;; bytes of a row of A
    (local $row i32) ;; bytes of a row of B and of C
    (local $column i32) ;; bytes before the sixteen columns in such a row
    (local $from_a i32) (local $from_b i32) (local $to i32) ;; addresses of what is read and written now
    (local $a_end i32) (local $a_row_end i32) ;; where A ends, and its row
    (local $factor v128) ;; A[row, k], four times
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)

    (local.set $a_row (i32.mul (local.get $inner) (i32.const 4)))
    (local.set $row (i32.mul (local.get $columns) (i32.const 4)))
    (local.set $a_end (i32.add (local.get $a) (i32.mul (local.get $rows) (local.get $a_row))))

    ;; The last multiple of 64 bytes, sixteen columns, that is less than a row.
    (local.set $column (i32.and (i32.sub (local.get $row) (i32.const 1)) (i32.const -64)))
    (loop $next_columns
      (local.set $from_a (local.get $a))
      (local.set $to (i32.add (local.get $c) (local.get $column)))

      (loop $next_row
        (local.set $from_b (i32.add (local.get $b) (local.get $column)))
        (local.set $a_row_end (i32.add (local.get $from_a) (local.get $a_row)))
        (local.set $sum0 (v128.const f32x4 0 0 0 0))
        (local.set $sum1 (v128.const f32x4 0 0 0 0))
        (local.set $sum2 (v128.const f32x4 0 0 0 0))
        (local.set $sum3 (v128.const f32x4 0 0 0 0))

        (loop $next_k
          (local.set $factor (v128.load32_splat (local.get $from_a)))
          (local.set $sum0 (f32x4.add (local.get $sum0)
            (f32x4.mul (local.get $factor) (v128.load (local.get $from_b)))))
          (local.set $sum1 (f32x4.add (local.get $sum1)
            (f32x4.mul (local.get $factor) (v128.load offset=16 (local.get $from_b)))))
          (local.set $sum2 (f32x4.add (local.get $sum2)
            (f32x4.mul (local.get $factor) (v128.load offset=32 (local.get $from_b)))))
          (local.set $sum3 (f32x4.add (local.get $sum3)
            (f32x4.mul (local.get $factor) (v128.load offset=48 (local.get $from_b)))))
          (local.set $from_b (i32.add (local.get $from_b) (local.get $row)))
          (local.set $from_a (i32.add (local.get $from_a) (i32.const 4)))
          (br_if $next_k (i32.lt_u (local.get $from_a) (local.get $a_row_end))))

        (v128.store (local.get $to) (local.get $sum0))
        (v128.store offset=16 (local.get $to) (local.get $sum1))
        (v128.store offset=32 (local.get $to) (local.get $sum2))
        (v128.store offset=48 (local.get $to) (local.get $sum3))
        (local.set $to (i32.add (local.get $to) (local.get $row)))
        (br_if $next_row (i32.lt_u (local.get $from_a) (local.get $a_end)))) ;; now at the next row

      (local.set $column (i32.sub (local.get $column) (i32.const 64)))
      (br_if $next_columns (i32.ge_s (local.get $column) (i32.const 0))))))
