package dev.oms.user;

import dev.oms.http.ProblemException;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import jakarta.enterprise.context.ApplicationScoped;

@ApplicationScoped
public class Users implements PanacheRepository<User> {
    /**
     * Checks that a user exists.
     *
     * @throws ProblemException 404 when there is no such user
     */
    public void require(long id) {
        if (count("id", id) == 0) {
            throw ProblemException.unknown("user", id);
        }
    }
}
