//! What has to be written for rows to become others, and no more.

/// Of rows as they are, with their ids, and rows as they should be: the rows to delete and the rows to
/// insert, each in order. Rows that are right stay as they are.
pub(crate) fn difference<T: Ord + Copy>(
    mut found: Vec<(T, u64)>,
    mut wanted: Vec<T>,
) -> (Vec<(T, u64)>, Vec<T>) {
    found.sort_unstable();
    wanted.sort_unstable();
    let (mut delete, mut insert) = (Vec::new(), Vec::new());
    let mut found = found.into_iter().peekable();
    for row in wanted {
        while let Some(other) = found.next_if(|(other, _)| *other < row) {
            delete.push(other);
        }
        if found.next_if(|(other, _)| *other == row).is_none() {
            insert.push(row);
        }
    }
    delete.extend(found);
    (delete, insert)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_rows_stay_twins_go_and_missing_rows_come() {
        let found = vec![('b', 1), ('a', 2), ('b', 3), ('c', 4), ('e', 5)];
        let (delete, insert) = difference(found, vec!['d', 'b', 'a', 'd']);
        assert_eq!(delete, [('b', 3), ('c', 4), ('e', 5)]);
        assert_eq!(insert, ['d', 'd']);
        assert_eq!(difference(vec![('a', 1)], vec!['a']), (vec![], vec![]));
        assert_eq!(difference(Vec::new(), vec![2, 1]), (vec![], vec![1, 2]));
    }
}
