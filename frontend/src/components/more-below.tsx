import { useEffect, useRef } from "react";

import { Button } from "./button";
import styles from "./more-below.module.css";

/**
 * Loads the next page when its end comes near. It is a button, too: for those who do not scroll,
 * and for when loading failed.
 */
export function MoreBelow({
  label,
  isLoading = false,
  hasFailed = false,
  onMore,
}: {
  label: string;
  isLoading?: boolean;
  hasFailed?: boolean;
  onMore: () => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const more = useRef(onMore);
  useEffect(() => {
    more.current = onMore;
  });

  useEffect(() => {
    if (place.current === null || isLoading || hasFailed) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) more.current();
      },
      { rootMargin: "600px" },
    );
    observer.observe(place.current);
    return () => {
      observer.disconnect();
    };
  }, [isLoading, hasFailed]);

  return (
    <div ref={place} className={styles.place}>
      <Button busy={isLoading} onClick={onMore}>
        {label}
      </Button>
    </div>
  );
}
