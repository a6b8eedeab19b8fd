// Command loadgen sends HTTP/1.1 requests over kept connections and prints what came back as JSON.
//
// It is a raw client: on a machine with two cores, what the load costs is missing elsewhere.
// Its flags and its output are those of python_load.py, which stands in where there is no Go.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

type settings struct {
	address     string
	method      string
	path        string
	body        string
	header      string
	connections int
	seconds     float64
	warmup      float64
	rate        float64
	low, high   int64
	expect      int
	timeout     float64
}

// report is the output. Latencies are in milliseconds.
type report struct {
	Generator   string             `json:"generator"`
	Requests    int                `json:"requests"`
	Seconds     float64            `json:"seconds"`
	Rate        float64            `json:"rate"`
	Latency     map[string]float64 `json:"latency_ms"`
	Statuses    map[string]int     `json:"statuses"`
	Errors      int                `json:"errors"`
	Unexpected  int                `json:"unexpected"`
	Examples    []string           `json:"examples"`
	PerSecond   []int              `json:"per_second"`
	BytesPerAns float64            `json:"bytes_per_answer"`
}

func parse() settings {
	var s settings
	flag.StringVar(&s.address, "address", "", "host:port of the server")
	flag.StringVar(&s.method, "method", "GET", "request method")
	flag.StringVar(&s.path, "path", "/", "path; {n} becomes a random number, {uuid} a random UUID")
	flag.StringVar(&s.body, "body", "", "JSON body, with the same placeholders")
	flag.StringVar(&s.header, "header", "", "a further header, as Name: value")
	flag.IntVar(&s.connections, "connections", 1, "connections kept open")
	flag.Float64Var(&s.seconds, "seconds", 5, "measured seconds")
	flag.Float64Var(&s.warmup, "warmup", 0, "seconds before that count nothing")
	flag.Float64Var(&s.rate, "rate", 0, "requests a second; 0 sends the next when one is answered")
	flag.Int64Var(&s.low, "low", 1, "smallest {n}")
	flag.Int64Var(&s.high, "high", 1, "greatest {n}")
	flag.IntVar(&s.expect, "expect", 200, "the status that counts as right")
	flag.Float64Var(&s.timeout, "timeout", 30, "seconds until a request counts as an error")
	flag.Parse()
	if s.address == "" || s.connections < 1 || s.low > s.high {
		flag.Usage()
		os.Exit(2)
	}
	return s
}

// schedule yields when each request is due where a rate is asked for. A request that finds no
// free connection waits, and its latency counts from when it was due.
func schedule(s settings, start, end time.Time) <-chan time.Time {
	if s.rate <= 0 {
		return nil
	}
	due := make(chan time.Time, 1<<16)
	go func() {
		defer close(due)
		step := time.Duration(float64(time.Second) / s.rate)
		for at := start; at.Before(end); at = at.Add(step) {
			time.Sleep(time.Until(at))
			due <- at
		}
	}()
	return due
}

func percentile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := int(share * float64(len(sorted)))
	return float64(sorted[min(at, len(sorted)-1)].Microseconds()) / 1000
}

func summarise(s settings, workers []*worker) report {
	out := report{
		Generator: "go", Seconds: s.seconds, Statuses: map[string]int{},
		Examples: []string{}, PerSecond: make([]int, int(s.seconds+0.999)),
	}
	var all []time.Duration
	var total time.Duration
	var bytes int64
	for _, w := range workers {
		for _, answer := range w.answers {
			all = append(all, answer.took)
			total += answer.took
			if second := int(answer.at.Seconds()); second < len(out.PerSecond) {
				out.PerSecond[second]++
			}
		}
		for status, count := range w.statuses {
			out.Statuses[fmt.Sprint(status)] += count
			if status != s.expect {
				out.Unexpected += count
			}
		}
		out.Errors += w.errors
		bytes += w.bytes
		if room := 3 - len(out.Examples); room > 0 {
			out.Examples = append(out.Examples, w.examples[:min(room, len(w.examples))]...)
		}
	}
	slices.Sort(all)
	out.Requests = len(all)
	out.Rate = float64(len(all)) / s.seconds
	out.Latency = map[string]float64{
		"p50": percentile(all, 0.50), "p90": percentile(all, 0.90), "p95": percentile(all, 0.95),
		"p99": percentile(all, 0.99), "max": percentile(all, 1),
	}
	if len(all) > 0 {
		out.Latency["mean"] = float64(total.Microseconds()) / 1000 / float64(len(all))
		out.BytesPerAns = float64(bytes) / float64(len(all))
	}
	return out
}

func main() {
	s := parse()
	runtime.GOMAXPROCS(1)
	start := time.Now()
	measured := start.Add(time.Duration(s.warmup * float64(time.Second)))
	end := measured.Add(time.Duration(s.seconds * float64(time.Second)))
	due := schedule(s, start, end)
	workers := make([]*worker, s.connections)
	var done sync.WaitGroup
	for i := range workers {
		workers[i] = newWorker(s, measured, end)
		done.Go(func() { workers[i].run(due) })
	}
	done.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(summarise(s, workers)); err != nil {
		log.Fatal(err)
	}
}
