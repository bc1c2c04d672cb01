package dev.oms.event;

/** Tells that there may be new events, which other processes have committed. */
public interface FeedNews {
    /**
     * To be called several times a second while somebody waits for events, and by one thread at a time. Does not block.
     *
     * @param committed is run when something has been committed, by any thread; not for every event
     */
    void followCommits(Runnable committed);
}
