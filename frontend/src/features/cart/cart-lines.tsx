import { Link } from "react-router";

import { Icon } from "@/components/icon";
import { Picture } from "@/components/picture";
import { QuantityStepper } from "@/components/quantity-stepper";
import { announce } from "@/components/toast";
import { useI18n } from "@/lib/i18n";
import { times } from "@/lib/money";

import { restoreLine, setQuantity } from "./cart";
import styles from "./cart-lines.module.css";
import { isShort, type LiveLine } from "./live-lines";

/** The lines of the cart, each with what can be done about it. */
export function CartLines({ lines, onFollow }: { lines: LiveLine[]; onFollow?: () => void }) {
  return (
    <ul className={styles.lines}>
      {lines.map((line, index) => (
        <Line key={line.id} line={line} index={index} {...(onFollow && { onFollow })} />
      ))}
    </ul>
  );
}

function Line({ line, index, onFollow }: { line: LiveLine; index: number; onFollow?: () => void }) {
  const { t, formats } = useI18n();

  function remove() {
    setQuantity(line.id, 0);
    announce(t.cart.removed(line.name), {
      label: t.cart.undo,
      run: () => {
        restoreLine(line, index);
      },
    });
  }

  return (
    <li className={styles.line}>
      <div className={styles.picture}>
        <Picture src={line.image} name="" size={88} />
      </div>
      <div className={styles.about}>
        <Link
          to={`/products/${String(line.id)}`}
          className={styles.name}
          dir="auto"
          onClick={onFollow}
        >
          {line.name}
        </Link>
        <p className={styles.each}>
          {t.cart.each(formats.money(line.price))}
          {line.priceBefore !== null && (
            <span className={styles.before}>
              {" "}
              · {t.cart.priceChanged(formats.money(line.priceBefore))}
            </span>
          )}
        </p>
        {isShort(line) && (
          <p className={styles.short}>
            <Icon name="warning" size={16} />
            {line.isGone ? t.cart.gone : t.cart.fewerLeft(line.available ?? 0)}
          </p>
        )}
      </div>
      <p className={styles.total}>{formats.money(times(line.price, line.quantity))}</p>
      <div className={styles.controls}>
        <QuantityStepper
          name={line.name}
          size="small"
          value={line.quantity}
          most={line.available ?? line.quantity}
          onChange={(quantity) => {
            setQuantity(line.id, quantity);
          }}
        />
        <button
          type="button"
          className={styles.remove}
          aria-label={t.cart.removeNamed(line.name)}
          onClick={remove}
        >
          <Icon name="trash" size={18} />
        </button>
      </div>
    </li>
  );
}
