package dev.oms.user;

import dev.oms.http.ProblemException;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import jakarta.enterprise.context.ApplicationScoped;

/** The users there are. */
@ApplicationScoped
public class Users implements PanacheRepository<User> {
    /**
     * Does nothing when there is such a user.
     *
     * @throws ProblemException 404 when there is none
     */
    public void require(long id) {
        if (count("id", id) == 0) {
            throw ProblemException.unknown("user", id);
        }
    }
}
