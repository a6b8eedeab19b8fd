package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
)

const pauseAfterError = 20 * time.Millisecond

var errMalformed = errors.New("the answer is no HTTP/1.1")

type answer struct {
	at, took time.Duration
}

// worker holds one connection and what came back on it.
type worker struct {
	settings      settings
	measured, end time.Time
	connection    net.Conn
	reader        *bufio.Reader
	request       []byte
	body          []byte
	answers       []answer
	statuses      map[int]int
	errors        int
	bytes         int64
	examples      []string
}

func newWorker(s settings, measured, end time.Time) *worker {
	return &worker{settings: s, measured: measured, end: end, statuses: map[int]int{}}
}

func (w *worker) run(due <-chan time.Time) {
	defer w.disconnect()
	if due == nil {
		for now := time.Now(); now.Before(w.end); now = time.Now() {
			w.send(now)
		}
		return
	}
	for at := range due {
		w.send(at)
	}
}

// send makes one request that was due at a time, and counts it where the warm-up is over.
func (w *worker) send(due time.Time) {
	status, size, err := w.exchange()
	finished := time.Now()
	if err != nil {
		w.disconnect()
	}
	// A closed loop counts what finishes in time; a schedule counts what was due in time.
	counted := due
	if w.settings.rate <= 0 {
		counted = finished
	}
	if !counted.Before(w.measured) && counted.Before(w.end) {
		w.count(answer{counted.Sub(w.measured), finished.Sub(due)}, status, size, err)
	}
	if err != nil {
		time.Sleep(pauseAfterError)
	}
}

func (w *worker) count(a answer, status int, size int64, err error) {
	if err != nil {
		w.errors++
		w.example(err.Error())
		return
	}
	w.answers = append(w.answers, a)
	w.statuses[status]++
	w.bytes += size
	if status != w.settings.expect {
		w.example(fmt.Sprintf("%d %s", status, w.body))
	}
}

func (w *worker) example(text string) {
	if len(w.examples) < 3 {
		w.examples = append(w.examples, text)
	}
}

func (w *worker) disconnect() {
	if w.connection != nil {
		w.connection.Close()
		w.connection = nil
	}
}

func (w *worker) exchange() (int, int64, error) {
	if w.connection == nil {
		connection, err := net.DialTimeout("tcp", w.settings.address, 5*time.Second)
		if err != nil {
			return 0, 0, err
		}
		w.connection = connection
		w.reader = bufio.NewReaderSize(connection, 1<<16)
	}
	limit := time.Duration(w.settings.timeout * float64(time.Second))
	if err := w.connection.SetDeadline(time.Now().Add(limit)); err != nil {
		return 0, 0, err
	}
	w.compose()
	if _, err := w.connection.Write(w.request); err != nil {
		return 0, 0, err
	}
	return w.readAnswer()
}

func (w *worker) compose() {
	s := w.settings
	body := w.fill(s.body)
	w.request = fmt.Appendf(w.request[:0], "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n",
		s.method, w.fill(s.path), s.address)
	if s.header != "" {
		w.request = fmt.Appendf(w.request, "%s\r\n", s.header)
	}
	if body != "" {
		w.request = fmt.Appendf(w.request,
			"Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	w.request = append(w.request, "\r\n"...)
	w.request = append(w.request, body...)
}

func (w *worker) fill(template string) string {
	if !strings.Contains(template, "{") {
		return template
	}
	number := w.settings.low + mathrand.Int64N(w.settings.high-w.settings.low+1)
	template = strings.ReplaceAll(template, "{n}", strconv.FormatInt(number, 10))
	if strings.Contains(template, "{uuid}") {
		template = strings.ReplaceAll(template, "{uuid}", newUUID())
	}
	return template
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // Never fails, by its contract.
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// readAnswer reads one answer; its body stays in w.body where it was not the expected status.
func (w *worker) readAnswer() (int, int64, error) {
	line, err := w.reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, 0, errMalformed
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, 0, errMalformed
	}
	length, chunked, closing, err := w.readHeaders()
	if err != nil {
		return 0, 0, err
	}
	var body io.Writer = io.Discard
	kept := new(bytes.Buffer)
	if status != w.settings.expect {
		body = kept
	}
	var size int64
	switch {
	case chunked:
		size, err = w.readChunks(body)
	case status != 204 && status != 304:
		size, err = io.CopyN(body, w.reader, length)
	}
	w.body = kept.Bytes()
	if closing {
		w.disconnect()
	}
	return status, size, err
}

func (w *worker) readHeaders() (length int64, chunked, closing bool, err error) {
	for {
		line, err := w.reader.ReadSlice('\n')
		if err != nil {
			return 0, false, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, chunked, closing, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, false, false, errMalformed
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("connection")):
			closing = bytes.EqualFold(value, []byte("close"))
		}
	}
}

func (w *worker) readChunks(body io.Writer) (int64, error) {
	var size int64
	for {
		line, err := w.reader.ReadSlice('\n')
		if err != nil {
			return size, err
		}
		digits, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
		chunk, err := strconv.ParseInt(string(digits), 16, 64)
		if err != nil {
			return size, errMalformed
		}
		if _, err := io.CopyN(body, w.reader, chunk); err != nil {
			return size, err
		}
		if _, err := w.reader.Discard(2); err != nil {
			return size, err
		}
		if chunk == 0 {
			return size, nil
		}
		size += chunk
	}
}
