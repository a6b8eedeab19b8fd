module shop/bench/loadgen

go 1.25
