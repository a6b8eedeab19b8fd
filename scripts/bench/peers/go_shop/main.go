// Command go_shop serves the catalogue's read endpoints with net/http and pgx.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	defaultLimit = 50
	maximumLimit = 500
	columns      = `id, name, description, price::text, stock, category, image_url,
		low_stock_threshold, version, created_at, updated_at`
	selectOne  = `SELECT ` + columns + ` FROM products WHERE id = $1 AND deleted_at IS NULL`
	selectPage = `SELECT ` + columns + ` FROM products
		WHERE deleted_at IS NULL ORDER BY id DESC LIMIT $1`
	selectPageAfter = `SELECT ` + columns + ` FROM products
		WHERE deleted_at IS NULL AND id < $2 ORDER BY id DESC LIMIT $1`
)

// product is one row, and its JSON. The price stays the decimal that PostgreSQL wrote.
type product struct {
	ID                int64       `json:"id"`
	Name              string      `json:"name"`
	Description       string      `json:"description"`
	Price             json.Number `json:"price"`
	Stock             int64       `json:"stock"`
	Category          *string     `json:"category"`
	ImageURL          *string     `json:"image_url"`
	LowStockThreshold int32       `json:"low_stock_threshold"`
	CreatedAt         time.Time   `json:"created_at"`
	UpdatedAt         time.Time   `json:"updated_at"`
	version           int64
}

func scanProduct(row pgx.CollectableRow) (product, error) {
	var p product
	err := row.Scan(&p.ID, &p.Name, &p.Description, (*string)(&p.Price), &p.Stock, &p.Category,
		&p.ImageURL, &p.LowStockThreshold, &p.version, &p.CreatedAt, &p.UpdatedAt)
	p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
	return p, err
}

type catalogue struct {
	pool *pgxpool.Pool
}

func (c *catalogue) listProducts(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, err := parseLimit(query.Get("limit"))
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	// One more than asked for tells whether there is a next page.
	statement, arguments := selectPage, []any{limit + 1}
	if cursor := query.Get("after"); cursor != "" {
		id, err := decodeCursor(cursor)
		if err != nil {
			fail(w, http.StatusBadRequest, "the cursor is not valid")
			return
		}
		statement, arguments = selectPageAfter, []any{limit + 1, id}
	}
	rows, err := c.pool.Query(r.Context(), statement, arguments...)
	if err != nil {
		failDatabase(w, err)
		return
	}
	products, err := pgx.CollectRows(rows, scanProduct)
	if err != nil {
		failDatabase(w, err)
		return
	}
	if len(products) > limit {
		products = products[:limit]
		query.Set("after", encodeCursor(products[limit-1].ID))
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`,
			(&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String()))
	}
	answer(w, products)
}

func (c *catalogue) getProduct(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		fail(w, http.StatusUnprocessableEntity, "the id is no integer")
		return
	}
	rows, err := c.pool.Query(r.Context(), selectOne, id)
	if err != nil {
		failDatabase(w, err)
		return
	}
	found, err := pgx.CollectExactlyOneRow(rows, scanProduct)
	if errors.Is(err, pgx.ErrNoRows) {
		fail(w, http.StatusNotFound, fmt.Sprintf("product %d does not exist", id))
		return
	}
	if err != nil {
		failDatabase(w, err)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%d.%d"`, found.version, found.Stock))
	answer(w, found)
}

func parseLimit(text string) (int, error) {
	if text == "" {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maximumLimit {
		return 0, fmt.Errorf("limit must be from 1 to %d", maximumLimit)
	}
	return limit, nil
}

func encodeCursor(id int64) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, id, 10))
}

func decodeCursor(cursor string) (int64, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(text), 10, 64)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Printf("the answer was not sent: %v", err)
	}
}

func fail(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	answerBody := map[string]any{
		"title": http.StatusText(status), "status": status, "detail": detail,
	}
	if err := json.NewEncoder(w).Encode(answerBody); err != nil {
		log.Printf("the answer was not sent: %v", err)
	}
}

func failDatabase(w http.ResponseWriter, err error) {
	log.Printf("the database failed: %v", err)
	fail(w, http.StatusServiceUnavailable, "the database is not available")
}

func connect(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	size, err := strconv.ParseInt(os.Getenv("DATABASE_POOL_SIZE"), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_POOL_SIZE: %w", err)
	}
	config.MaxConns = int32(size)
	return pgxpool.NewWithConfig(ctx, config)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pool, err := connect(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	shop := &catalogue{pool: pool}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /products", shop.listProducts)
	routes.HandleFunc("GET /products/{id}", shop.getProduct)
	routes.HandleFunc("GET /health/ready", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"status": "ok"})
	})
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           routes,
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(drain); err != nil {
			log.Print(err)
		}
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
