package dev.oms.event;

/** Announces that other processes may have committed events. */
public interface FeedNews {
    /**
     * To be called several times a second while somebody waits for events, and by one thread at a time. Neither blocks
     * nor throws.
     *
     * @param committed is run when something has been committed, by any thread; not for every event
     */
    void followCommits(Runnable committed);
}
